//! The crates that a notebook adds by `:dep`.

use super::calls::{build, compiled, metadata, tree};
use super::change::Change;
use super::compiled::Compiled;
use super::explain::{UNCHANGED, explain, is_unreachable};
use super::list::{CrateList, HELPER};
use super::place::Place;
use super::plan::{Done, Plan};
use std::time::Instant;

/// The crates that a notebook has added to its session.
#[derive(Debug)]
pub(crate) struct AddedCrates {
    place: Place,
    list: CrateList,
    /// Packages that were compiled for the notebook.
    done: Done,
}

impl AddedCrates {
    /// No crates, in a session's folder.
    pub(crate) fn none(session: &std::path::Path) -> AddedCrates {
        AddedCrates {
            place: Place::new(session),
            list: CrateList::default(),
            done: Done::new(),
        }
    }

    /// Adds crates, and compiles what the seed lacks. `report` gets a line before the compilation
    /// begins, and further ones that replace it. If this fails, nothing has changed.
    ///
    /// # Errors
    /// A message, if a crate cannot be found, downloaded or compiled.
    pub(crate) fn add(
        &mut self,
        more: &CrateList,
        report: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        if more.names().any(|name| name == HELPER) {
            return Err(format!(
                "expected another crate, got {HELPER}, which is part of the notebook. {UNCHANGED}"
            ));
        }
        let list = self.list.with(more);
        if list == self.list && !list.has_local_crate() {
            return Ok(());
        }
        self.change_to(list, more, report)
    }

    /// Compiles local crates again whose source has changed.
    ///
    /// # Errors
    /// A message, if a crate no longer compiles.
    pub(crate) fn refresh(&mut self, report: &mut dyn FnMut(String)) -> Result<(), String> {
        if !self.list.has_local_crate() {
            return Ok(());
        }
        let list = self.list.clone();
        build(&self.place, &list, |package| {
            if list.names().any(|name| name == package) {
                report(format!("compiling {package}, whose source has changed"));
            }
        })
        .map_err(|stderr| {
            format!(
                "a crate that an earlier cell added by :dep no longer compiles. Correct it and run the cell again. {}",
                explain(&stderr)
            )
        })
    }

    /// The list of crates, by which [`AddedCrates::restore`] undoes an addition.
    pub(crate) fn list(&self) -> CrateList {
        self.list.clone()
    }

    /// Forgets the crates that were added after `list` was taken.
    pub(crate) fn restore(&mut self, list: CrateList) {
        self.list = list;
    }

    fn change_to(
        &mut self,
        list: CrateList,
        more: &CrateList,
        report: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        let cannot =
            |error: std::io::Error| format!("cannot prepare the crates: {error}. {UNCHANGED}");
        let compiled = {
            let _ = std::fs::create_dir_all(self.place.folder());
            compiled(&self.place).map_err(cannot)?
        };
        let change = Change::begin(&self.place, &list).map_err(cannot)?;
        let plan = self.plan(&compiled)?;
        let titles: Vec<String> = more.names().map(|name| plan.title(name)).collect();
        let titles = titles.join(" and ");
        let start = Instant::now();
        let count = plan.count();
        if count > 0 {
            report(announcement(count, &titles, &plan));
        }
        let mut begun = 0;
        build(&self.place, &list, |package| {
            if plan.compiles(package) {
                begun += 1;
                let seconds = start.elapsed().as_secs();
                report(progress(package, begun, count, &titles, seconds));
            }
        })
        .map_err(|stderr| explain(&stderr))?;
        change.keep();
        self.list = list;
        self.done.extend(plan.done());
        if count > 0 {
            let seconds = start.elapsed().as_secs_f64();
            report(format!(
                "{titles}: compiled {} in {seconds:.1} s",
                crates(count)
            ));
        }
        Ok(())
    }

    fn plan(&self, compiled: &Compiled) -> Result<Plan, String> {
        let text = metadata(&self.place, false).or_else(|stderr| {
            // What cargo has downloaded before may be enough.
            let offline = is_unreachable(&stderr).then(|| metadata(&self.place, true).ok());
            offline.flatten().ok_or_else(|| explain(&stderr))
        })?;
        let tree = tree(&self.place).map_err(|stderr| explain(&stderr))?;
        let plan = Plan::new(&text, &tree, compiled, &self.done).ok_or_else(|| {
            format!("expected cargo's description of the crates, got other text. {UNCHANGED}")
        })?;
        match plan.second_copy(compiled) {
            None => Ok(plan),
            Some((name, version, helpers)) => Err(second_copy(&name, &version, &helpers)),
        }
    }
}

fn crates(count: usize) -> String {
    if count == 1 {
        "1 crate".into()
    } else {
        format!("{count} crates")
    }
}

fn announcement(count: usize, titles: &str, plan: &Plan) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    format!(
        "compiling {} for {titles}, {} ...",
        crates(count),
        duration(plan.seconds(cores))
    )
}

fn progress(package: &str, begun: usize, count: usize, titles: &str, seconds: u64) -> String {
    format!(
        "compiling {package} for {titles}: {} of {count}, {seconds} s",
        begun.min(count)
    )
}

/// A duration, as exact as an estimate is.
fn duration(seconds: u64) -> String {
    match seconds {
        0..5 => "a few seconds".into(),
        5..90 => format!("about {} s", seconds.div_ceil(5) * 5),
        _ => format!("about {} min", (seconds + 30) / 60),
    }
}

fn second_copy(name: &str, version: &str, helpers: &str) -> String {
    let wanted = if version == helpers {
        format!("{name} with the features of the notebook's {name} {helpers}, got other ones")
    } else {
        format!("{name} {helpers}, which the notebook uses, got {name} {version}")
    };
    format!(
        "expected {wanted}. A tensor of one copy is no tensor of another. Ask for `:dep {name} = \"{helpers}\"`, \
         or for a crate that works with it. {UNCHANGED}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_as_exact_as_an_estimate() {
        assert_eq!(duration(2), "a few seconds");
        assert_eq!(duration(17), "about 20 s");
        assert_eq!(duration(200), "about 3 min");
    }

    #[test]
    fn messages_name_crates_and_counts() {
        assert_eq!(crates(1), "1 crate");
        let text = progress("memchr", 9, 7, "csv 1.4.0", 3);
        assert_eq!(text, "compiling memchr for csv 1.4.0: 7 of 7, 3 s");
        assert!(second_copy("candle-core", "0.8.4", "0.11.1").contains("got candle-core 0.8.4"));
        assert!(second_copy("candle-core", "0.11.1", "0.11.1").contains("features"));
    }

    #[test]
    fn an_addition_can_be_forgotten() {
        let mut added = AddedCrates::none(std::path::Path::new("/s"));
        let before = added.list();
        added.list.insert("csv", "1".into());
        assert_ne!(added.list(), before);
        added.restore(before.clone());
        assert_eq!(added.list(), before);
    }
}
