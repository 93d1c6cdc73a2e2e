use super::super::event::Event;
use super::super::kept::Kept;
use super::*;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io::Read;

/// Writes standard output in parts; returns the events, the engine's input and the failure.
fn relayed(parts: &[&str], stderr: &str) -> (Vec<Event>, String, Option<Failure>) {
    let (events, engine, status) = relayed_with_status(parts, stderr);
    let failure = status.failure.lock().unwrap().clone();
    (events, engine, failure)
}

fn relayed_with_status(parts: &[&str], stderr: &str) -> (Vec<Event>, String, RelayStatus) {
    let (engine_read, engine_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (out, out_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (err, err_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let status = RelayStatus::default();
    let of_thread = status.clone();
    let thread = std::thread::spawn(move || {
        let pipes = Pipes {
            engine: engine_write.into(),
            out,
            err,
            exit: None,
            child: None,
        };
        let mut sink: Sink = Box::new(move |event| seen.lock().unwrap().push(event));
        Relay::new(&pipes, &of_thread, "token", &mut sink).run();
    });
    std::fs::File::from(err_write)
        .write_all(stderr.as_bytes())
        .unwrap();
    let mut write = std::fs::File::from(out_write);
    for part in parts {
        write.write_all(part.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(write);
    thread.join().unwrap();
    let mut engine = String::new();
    std::fs::File::from(engine_read)
        .read_to_string(&mut engine)
        .unwrap();
    let events = events.lock().unwrap().clone();
    (events, engine, status)
}

fn text(events: &[Event]) -> String {
    let text = events.iter().map(|event| match event {
        Event::Stdout(text) => text.clone(),
        Event::Stderr(text) => format!("<{text}>"),
        Event::Display(display) => format!("[{:?}]", display.op),
    });
    text.collect()
}

const BEGINS: &str = "\u{1e}token CELL_BEGINS\n";
const DONE: &str = "\u{1e}token EVCXR_EXECUTION_COMPLETE\n";

#[test]
fn the_first_text_is_sent_at_once_and_protocol_lines_reach_the_engine() {
    let (events, engine, _) = relayed(&["a", "b", "\nc", DONE], "");
    let expected = ["a", "b\nc"].map(|text| Event::Stdout(text.into()));
    assert_eq!(events, expected);
    assert_eq!(
        (text(&events).as_str(), engine.as_str()),
        ("ab\nc", "EVCXR_EXECUTION_COMPLETE\n")
    );
}

#[test]
fn displays_in_the_middle_of_a_line_are_extracted() {
    let line = "\u{1e}CANDLEBOOK token {\"op\": \"update\", \"data\": {\"text/plain\": \"x\"}}\n";
    let (events, engine, _) = relayed(&["a", &line[..9], &line[9..], "b\n", DONE], "");
    assert_eq!(
        (text(&events).as_str(), engine.as_str()),
        ("a[Update]b\n", "EVCXR_EXECUTION_COMPLETE\n")
    );
}

#[test]
fn text_that_looks_like_the_protocol_is_text() {
    let (events, engine, _) = relayed(&["x EVCXR_ no", "t ours", DONE], "");
    assert_eq!(
        (text(&events).as_str(), engine.as_str()),
        ("x EVCXR_ not ours", "EVCXR_EXECUTION_COMPLETE\n")
    );
    let (events, engine, _) = relayed(&["EVC", "ASUALLY\nEVCXR_NOTHING\nE", DONE], "");
    assert_eq!(
        (text(&events).as_str(), engine.as_str()),
        ("EVCASUALLY\nEVCXR_NOTHING\nE", "EVCXR_EXECUTION_COMPLETE\n")
    );
}

#[test]
fn a_part_of_the_protocol_prefix_becomes_text_after_the_delay() {
    let (events, _, _) = relayed(&["DONE", "\n", DONE], "");
    assert_eq!(text(&events), "DONE\n");
    let heart = "\u{2665}";
    let (events, _, _) = relayed(&["a", heart, DONE], heart);
    assert_eq!(text(&events), format!("<{heart}>a{heart}"));
}

#[test]
fn unterminated_content_ends_with_its_cell() {
    let (_, engine, _) = relayed(&[BEGINS, "EVCXR_BEGIN_CONTENT text/plain\nhalf", DONE], "");
    assert_eq!(
        engine,
        "EVCXR_BEGIN_CONTENT text/plain\nhalf\nEVCXR_END_CONTENT\nEVCXR_EXECUTION_COMPLETE\n"
    );
}

#[test]
fn content_and_input_requests_reach_the_engine() {
    let content = "EVCXR_BEGIN_CONTENT text/plain\n5 EVCXR_ \u{1e}\nEVCXR_END_CONTENT\n";
    let request = "\u{1e}token EVCXR_INPUT_REQUEST:name\n";
    let (events, engine, _) = relayed(&[BEGINS, "a", content, request, DONE], "");
    let expected = format!("{content}EVCXR_INPUT_REQUEST:name\nEVCXR_EXECUTION_COMPLETE\n");
    assert_eq!((text(&events).as_str(), engine), ("a", expected));
}

#[test]
fn a_cell_that_reads_is_asked_for_unless_the_helper_has_asked_already() {
    let waits = "\u{1e}token INPUT_WAITS\n";
    let prompt = "\u{1e}token EVCXR_INPUT_REQUEST:name\n";
    // A thread of an earlier cell asks nobody.
    let parts = [waits, prompt, BEGINS, prompt, waits, waits, DONE];
    let (_, engine, _) = relayed(&parts, "");
    assert_eq!(
        engine,
        "EVCXR_INPUT_REQUEST:name\nEVCXR_INPUT_REQUEST:INPUT_WAITS\nEVCXR_EXECUTION_COMPLETE\n"
    );
}

#[test]
fn the_text_of_a_failure_is_recorded_and_all_other_text_is_sent() {
    let error = "\u{1e}token EVCXR_ERROR_OCCURRED 3 no such\\nfile\n";
    let (events, engine, found) = relayed(&[BEGINS, error, DONE], "reading\n");
    let failure = Failure {
        panic: false,
        message: "no such\nfile".into(),
        line: Some(3),
        functions: Vec::new(),
        kept: Kept::default(),
    };
    assert_eq!(
        (text(&events).as_str(), found),
        ("<reading\n>", Some(failure))
    );
    assert_eq!(engine, "EVCXR_ERROR_OCCURRED\nEVCXR_EXECUTION_COMPLETE\n");
    let (events, _, found) = relayed(&[DONE], "a warning");
    assert_eq!((text(&events).as_str(), found), ("<a warning>", None));
}

#[test]
fn the_report_of_a_panic_is_not_sent_if_it_is_the_failure() {
    let report = "v = 3\n\nthread 'main' (7) panicked at src/lib.rs:12:7:\non purpose\n";
    let panic = "\u{1e}token EVCXR_PANIC_NOTIFICATION on purpose\n";
    let (events, engine, found) = relayed(&[BEGINS, panic, DONE], report);
    assert_eq!(text(&events), "<v = 3\n>");
    assert_eq!(
        engine,
        "EVCXR_PANIC_NOTIFICATION\nEVCXR_EXECUTION_COMPLETE\n"
    );
    assert_eq!(found.map(|found| found.message), Some("on purpose".into()));
    let (events, _, found) = relayed(&[BEGINS, DONE], report);
    assert_eq!(
        (text(&events), found),
        (format!("<v = 3\n><{}>", &report[6..]), None)
    );
}

#[test]
fn a_value_that_cannot_be_shown_fails_the_cell_at_its_end() {
    let line = "\u{1e}token CANNOT_SHOW \"no\\nx\"\n";
    let (events, engine, status) = relayed_with_status(&[BEGINS, line, "after", DONE], "");
    assert_eq!(status.not_shown.take(), Some("no\nx".into()));
    assert_eq!(text(&events), "after");
    assert_eq!(engine, "EVCXR_EXECUTION_COMPLETE\n", "variables are kept");
    // A panic is the failure of its cell.
    let panic = "\u{1e}token EVCXR_PANIC_NOTIFICATION\n";
    for parts in [[BEGINS, line, panic, DONE], [BEGINS, panic, line, DONE]] {
        let (events, _, status) = relayed_with_status(&parts, "");
        assert_eq!(status.not_shown.take(), None);
        assert!(status.failure.lock().unwrap().is_some());
        assert_eq!(text(&events), "<no\nx\n>");
    }
    let (events, _, status) = relayed_with_status(&[BEGINS, DONE, line], "");
    assert_eq!(status.not_shown.take(), None);
    assert_eq!(text(&events), "<no\nx\n>");
}

#[test]
fn text_that_a_cell_prints_is_never_a_message() {
    for line in [
        "EVCXR_EXECUTION_COMPLETE\n",
        "\u{1e}EVCXR_EXECUTION_COMPLETE\n",
        "EVCXR_PANIC_NOTIFICATION\n",
        "EVCXR_ERROR_OCCURRED\n",
        "EVCXR_VARIABLE_CHANGED_TYPE:keep\n",
        "EVCXR_INPUT_REQUEST:{}\n",
        "\u{1e}CANDLEBOOK {\"op\": \"clear\"}\n",
        "\u{1e}other EVCXR_PANIC_NOTIFICATION\n",
        "\u{1e}CANNOT_SHOW \"x\"\n",
    ] {
        let (events, engine, failure) = relayed(&[BEGINS, line, DONE], "");
        assert_eq!((text(&events).as_str(), failure), (line, None));
        assert_eq!(engine, "EVCXR_EXECUTION_COMPLETE\n", "{line:?}");
    }
}

#[test]
fn content_between_cells_is_text() {
    let line = "EVCXR_BEGIN_CONTENT text/plain\n";
    let (events, engine, _) = relayed(&[BEGINS, DONE, line], "");
    assert_eq!(text(&events), line);
    assert_eq!(engine, "EVCXR_EXECUTION_COMPLETE\n");
}

#[test]
fn many_separators_are_few_events() {
    let separators = "\u{1e}".repeat(50_000);
    let (events, _, _) = relayed(&[BEGINS, &separators, DONE], "");
    assert_eq!(text(&events), separators);
    assert!(events.len() < 50, "{} events", events.len());
}
