//! Table and chart of a sweep over notebooks.

use super::notebook_run::{NotebookRun, best};
use super::point::{Point, PointValue};
use super::results_file::ValueNames;
use super::sortable::{SortableCell, sortable_table};
use crate::show::{Plot, Table, compact, duration};

/// Lines of the chart: those with the best runs.
const MAX_LINES: usize = 12;

/// One row per run.
pub(super) fn table(names: &ValueNames, runs: &[NotebookRun]) -> Table {
    let rows = cells(names, runs).into_iter();
    rows.fold(Table::new(header(names)), |table, row| {
        table.row(row.into_iter().map(|cell| cell.text))
    })
}

/// One row per run, as HTML that sorts and filters.
pub(super) fn html(names: &ValueNames, runs: &[NotebookRun]) -> String {
    let header = header(names);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    sortable_table(&header, &cells(names, runs))
}

/// One sentence about all runs.
pub(super) fn summary(runs: &[NotebookRun]) -> String {
    let failed = runs.iter().filter(|run| !run.finished).count();
    let best = best(runs).map(|best| {
        let loss = best.best_loss.unwrap_or(f64::NAN);
        let notebook = best.notebook.display();
        format!("best: {}, loss {loss:.5}, in {notebook}", best.point)
    });
    let count = format!("{} runs, {failed} failed", runs.len());
    format!("{count}; {}", best.unwrap_or("none has a loss".into()))
}

/// The best loss by the parameter with the most values, one line for each combination of the others.
/// `None` if no parameter has two numbers.
pub(super) fn plot(names: &ValueNames, runs: &[NotebookRun]) -> Option<Plot> {
    let values = |name: &&String| distinct(runs, name).len();
    // The first one, where several have as many.
    let name = names.parameters.iter().rev().max_by_key(values)?;
    if values(&name) < 2 {
        return None;
    }
    let lines = lines(runs, name);
    let positive = lines.iter().flat_map(|(_, points)| points);
    let positive = positive.clone().all(|(_, loss)| *loss > 0.0);
    let title = match lines.len() > MAX_LINES {
        true => "Best loss, of the best combinations",
        false => "Best loss",
    };
    let plot = Plot::new()
        .title(title)
        .x_label(name.as_str())
        .y_label("best loss")
        .size(680, 320);
    let shown = lines.into_iter().take(MAX_LINES);
    let plot = shown.fold(plot, |plot, (others, points)| {
        let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        match x.len() {
            1 => plot.scatter(others, x, y),
            _ => plot.line(others, x, y),
        }
    });
    let plot = if positive { plot.log_y() } else { plot };
    Some(match spans_decades(&distinct(runs, name)) {
        true => plot.log_x(),
        false => plot,
    })
}

/// The numbers of a parameter in runs with a loss, in ascending order.
fn distinct(runs: &[NotebookRun], name: &str) -> Vec<f64> {
    let with_loss = runs.iter().filter(|run| has_loss(run));
    let numbers = with_loss.filter_map(|run| run.point.number(name).ok());
    let mut numbers: Vec<f64> = numbers.filter(|number| number.is_finite()).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

fn has_loss(run: &NotebookRun) -> bool {
    run.finished && run.best_loss.is_some_and(f64::is_finite)
}

/// True if the largest number is 100 times the smallest.
fn spans_decades(numbers: &[f64]) -> bool {
    match (numbers.first(), numbers.last()) {
        (Some(&first), Some(&last)) => first > 0.0 && last >= 100.0 * first,
        _ => false,
    }
}

type Line = (String, Vec<(f64, f64)>);

/// Points of each combination of the other parameters, in the order of their best runs.
fn lines(runs: &[NotebookRun], name: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for run in runs.iter().filter(|run| has_loss(run)) {
        let (Ok(x), Some(y)) = (run.point.number(name), run.best_loss) else {
            continue;
        };
        let others = run.point.iter().filter(|(other, _)| *other != name);
        let others = others.fold(Point::default(), |point, (name, value)| {
            point.with(name, value.clone())
        });
        let others = others.to_string();
        match lines.iter_mut().find(|(line, _)| *line == others) {
            Some((_, points)) => points.push((x, y)),
            None => lines.push((others, vec![(x, y)])),
        }
    }
    for (_, points) in &mut lines {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

fn header(names: &ValueNames) -> Vec<String> {
    let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let parts: [Vec<String>; 4] = [
        names.parameters.clone(),
        fixed(&["best loss", "epochs", "time"]),
        names.results.clone(),
        fixed(&["status", "notebook"]),
    ];
    parts.concat()
}

fn cells(names: &ValueNames, runs: &[NotebookRun]) -> Vec<Vec<SortableCell>> {
    let best = best(runs);
    let is_best = |run| best.is_some_and(|best| std::ptr::eq(best, run));
    runs.iter()
        .map(|run| row(names, run, is_best(run)))
        .collect()
}

fn row(names: &ValueNames, run: &NotebookRun, is_best: bool) -> Vec<SortableCell> {
    let values = |names: &[String], point: &Point| -> Vec<SortableCell> {
        names.iter().map(|name| value(point.get(name))).collect()
    };
    let mut row = values(&names.parameters, &run.point);
    let loss = |loss| format!("{loss:.5}");
    row.push(SortableCell::number(run.best_loss, loss));
    let epochs = run.epochs.map(|epochs| epochs as f64);
    row.push(SortableCell::number(epochs, |epochs| epochs.to_string()));
    row.push(SortableCell::number(run.seconds, duration));
    row.extend(values(&names.results, &run.results));
    let status = match (&run.error, is_best) {
        (Some(error), _) => error.lines().next().unwrap_or_default(),
        (None, true) => "finished, best",
        (None, false) => "finished",
    };
    row.push(SortableCell::long_text(status));
    let notebook = run.notebook.file_name().unwrap_or_default();
    row.push(SortableCell::long_text(&notebook.to_string_lossy()));
    row
}

fn value(value: Option<&PointValue>) -> SortableCell {
    match value {
        None => SortableCell::text("-"),
        Some(PointValue::Number(number)) => SortableCell::number(Some(*number), compact),
        Some(PointValue::Integer(n)) => SortableCell::number(Some(*n as f64), |_| n.to_string()),
        Some(other) => SortableCell::long_text(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;

    fn run(hidden: i64, dropout: f64, best_loss: Option<f64>) -> NotebookRun {
        NotebookRun {
            point: Point::default()
                .with("hidden", hidden)
                .with("dropout", dropout),
            best_loss,
            epochs: best_loss.map(|_| 3),
            seconds: Some(2.0),
            results: Point::default().with("psnr", 20.123456),
            finished: best_loss.is_some(),
            error: best_loss.is_none().then(|| "<b>no\nmemory".to_owned()),
            notebook: format!("runs/{hidden}-{dropout}.ipynb").into(),
        }
    }

    fn runs() -> Vec<NotebookRun> {
        vec![
            run(64, 0.0, Some(0.125)),
            run(32, 0.0, Some(0.25)),
            run(32, 0.2, Some(0.5)),
            run(64, 0.2, None),
        ]
    }

    fn names() -> ValueNames {
        ValueNames {
            parameters: vec!["hidden".into(), "dropout".into()],
            results: vec!["psnr".into()],
        }
    }

    #[test]
    fn the_table_has_parameters_values_and_errors() {
        let text = table(&names(), &runs()).to_text();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = [
            "hidden dropout best loss epochs time psnr status notebook",
            "64 0 0.12500 3 2.0 s 20.123 finished, best 64-0.ipynb",
            "32 0 0.25000 3 2.0 s 20.123 finished 32-0.ipynb",
            "32 0.2 0.50000 3 2.0 s 20.123 finished 32-0.2.ipynb",
            "64 0.2 - - 2.0 s 20.123 <b>no 64-0.2.ipynb",
        ];
        let expected = expected.map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(rows, expected);
        assert!(!html(&names(), &runs()).contains("<b>"));
        assert_eq!(
            summary(&runs()),
            "4 runs, 1 failed; best: dropout 0, hidden 64, loss 0.12500, in runs/64-0.ipynb"
        );
    }

    #[test]
    fn the_chart_has_a_line_for_each_combination_of_the_other_parameters() {
        let lines = lines(&runs(), "hidden");
        let expected = [
            ("dropout 0".to_owned(), vec![(32.0, 0.25), (64.0, 0.125)]),
            ("dropout 0.2".to_owned(), vec![(32.0, 0.5)]),
        ];
        assert_eq!(lines, expected);
        let shown = plot(&names(), &runs()).unwrap().contents().unwrap();
        assert!(shown[0].get("text/plain").unwrap().contains("dropout 0.2"));
        assert!(plot(&names(), &runs()[..1]).is_none());
        assert_eq!(summary(&[]), "0 runs, 0 failed; none has a loss");
        assert!(spans_decades(&[1e-4, 1e-2]) && !spans_decades(&[0.0, 1.0]));
    }
}
