//! The crates that a notebook adds by `:dep`.

use super::calls::{build, metadata, tree};
use super::change::Change;
use super::explain::{UNCHANGED, explain, is_unreachable};
use super::folder::AddedFolder;
use super::list::{CrateList, HELPER};
use super::messages::{announcement, progress, refusal, result};
use super::plan::{Done, Plan};
use super::seed_units::SeedUnits;
use std::time::Instant;

/// The crates that a notebook has added to its session.
#[derive(Debug)]
pub(crate) struct AddedCrates {
    place: AddedFolder,
    list: CrateList,
    /// Packages that were compiled for the notebook.
    done: Done,
}

impl AddedCrates {
    /// No crates, in a session's folder.
    pub(crate) fn none(session: &std::path::Path) -> AddedCrates {
        AddedCrates {
            place: AddedFolder::new(session),
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
            if list.local_names().any(|name| name == package) {
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
        let change = Change::begin(&self.place, &list).map_err(cannot)?;
        let compiled = SeedUnits::of(&self.place).map_err(cannot)?;
        let plan = self.plan(&compiled)?;
        let copy = plan.second_copy(&compiled);
        if let Some(copy) = copy.as_ref().filter(|copy| copy.is_direct) {
            return Err(refusal(copy));
        }
        let titles: Vec<String> = more.names().map(|name| plan.title(name)).collect();
        let titles = titles.join(" and ");
        let start = Instant::now();
        if plan.count() > 0 {
            report(announcement(&titles, &plan, &compiled));
        }
        self.build(&list, &plan, &titles, report)?;
        change.keep();
        self.list = list;
        self.done.extend(plan.done());
        if plan.count() > 0 {
            let seconds = start.elapsed().as_secs_f64();
            report(result(&titles, plan.count(), seconds, copy.as_ref()));
        }
        Ok(())
    }

    fn build(
        &self,
        list: &CrateList,
        plan: &Plan,
        titles: &str,
        report: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        let start = Instant::now();
        let mut begun = 0;
        build(&self.place, list, |package| {
            if plan.compiles(package) {
                begun += 1;
                let seconds = start.elapsed().as_secs();
                report(progress(package, begun, plan.count(), titles, seconds));
            }
        })
        .map_err(|stderr| explain(&stderr))
    }

    fn plan(&self, compiled: &SeedUnits) -> Result<Plan, String> {
        let text = metadata(&self.place, false).or_else(|stderr| {
            // What cargo has downloaded before may be enough.
            let offline = is_unreachable(&stderr).then(|| metadata(&self.place, true).ok());
            offline.flatten().ok_or_else(|| explain(&stderr))
        })?;
        let tree = tree(&self.place).map_err(|stderr| explain(&stderr))?;
        Plan::new(&text, &tree, compiled, &self.done).ok_or_else(|| {
            format!("expected cargo's description of the crates, got other text. {UNCHANGED}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
