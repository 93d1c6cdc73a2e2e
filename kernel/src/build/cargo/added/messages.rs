//! Progress and refusals, in the words of the notebook.

use super::explain::UNCHANGED;
use super::plan::{Plan, SecondCopy};
use super::seed_units::SeedUnits;

/// Number of features that a hint names.
const MAX_FEATURES: usize = 5;

/// A line before the compilation begins.
pub(super) fn announcement(titles: &str, plan: &Plan, compiled: &SeedUnits) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let time = duration(plan.seconds(cores));
    let hint = plan.lacking(compiled);
    let hint = hint.map_or(String::new(), |(name, lacking)| hint_for(&name, &lacking));
    let crates = crates(plan.count());
    format!("compiling {crates} for {titles}, {time} ...{hint}")
}

/// The way to the notebook's own copy of a crate, for which nothing is compiled.
fn hint_for(name: &str, lacking: &[String]) -> String {
    let mut features = lacking[..lacking.len().min(MAX_FEATURES)].join(", ");
    if lacking.len() > MAX_FEATURES {
        features += ", ...";
    }
    format!(
        " The notebook's own {name} has no {features}: without them (`default-features = false`) it is \
         used, and nothing is compiled"
    )
}

/// A line for a package whose compilation has begun.
pub(super) fn progress(
    package: &str,
    begun: usize,
    count: usize,
    titles: &str,
    seconds: u64,
) -> String {
    let begun = begun.min(count);
    format!("compiling {package} for {titles}: {begun} of {count}, {seconds} s")
}

/// The line that stays.
pub(super) fn result(
    titles: &str,
    count: usize,
    seconds: f64,
    copy: Option<&SecondCopy>,
) -> String {
    let note = copy.map_or(String::new(), |copy| {
        let SecondCopy { name, version, helpers, .. } = copy;
        format!(
            ". It uses a {name} {version} of its own, not the notebook's {helpers}: a tensor of one is \
             no tensor of the other"
        )
    });
    format!(
        "{titles}: compiled {} in {seconds:.1} s{note}",
        crates(count)
    )
}

/// The answer to a request for another candle than the notebook's.
pub(super) fn refusal(copy: &SecondCopy) -> String {
    let SecondCopy {
        name,
        version,
        helpers,
        ..
    } = copy;
    let wanted = if version == helpers {
        format!("{name} with the features of the notebook's {name} {helpers}, got other ones")
    } else {
        format!("{name} {helpers}, which the notebook uses, got {name} {version}")
    };
    format!(
        "expected {wanted}. A tensor of one copy is no tensor of another. Ask for \
         `:dep {name} = \"{helpers}\"`. {UNCHANGED}"
    )
}

fn crates(count: usize) -> String {
    if count == 1 {
        "1 crate".into()
    } else {
        format!("{count} crates")
    }
}

/// A duration, as exact as an estimate is.
fn duration(seconds: u64) -> String {
    match seconds {
        0..5 => "a few seconds".into(),
        5..90 => format!("about {} s", seconds.div_ceil(5) * 5),
        _ => format!("about {} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(version: &str) -> SecondCopy {
        SecondCopy {
            name: "candle-core".into(),
            version: version.into(),
            helpers: "0.11.1".into(),
            is_direct: true,
        }
    }

    #[test]
    fn a_duration_is_as_exact_as_an_estimate() {
        assert_eq!(duration(2), "a few seconds");
        assert_eq!(duration(17), "about 20 s");
        assert_eq!(duration(200), "about 3 min");
    }

    #[test]
    fn progress_names_package_crate_and_count() {
        let text = progress("memchr", 9, 7, "csv 1.4.0", 3);
        assert_eq!(text, "compiling memchr for csv 1.4.0: 7 of 7, 3 s");
        let text = result("csv 1.4.0", 1, 1.26, None);
        assert_eq!(text, "csv 1.4.0: compiled 1 crate in 1.3 s");
    }

    #[test]
    fn a_hint_names_a_few_features() {
        let features = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
        assert!(hint_for("image", &features).contains("image has no a, b, c, d, e, ...: without"));
        assert!(hint_for("image", &features[..1]).contains("image has no a: without"));
    }

    #[test]
    fn another_candle_is_refused_or_noted() {
        assert!(
            refusal(&copy("0.8.4")).starts_with("expected candle-core 0.11.1, which the notebook")
        );
        assert!(refusal(&copy("0.11.1")).contains("got other ones"));
        let text = result("old 1.0.0", 2, 1.0, Some(&copy("0.8.4")));
        assert!(
            text.contains("a candle-core 0.8.4 of its own, not the notebook's 0.11.1"),
            "{text}"
        );
    }
}
