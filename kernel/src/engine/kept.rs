//! The variables of a cell that has failed.

use super::report::listed;

/// The helper's report at the end of a failing cell.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
pub(super) struct Kept {
    /// True if all that the cell binds is kept: the engine then takes the cell for one that succeeded.
    pub(super) complete: bool,
    variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
struct Variable {
    name: String,
    /// The declaration that the engine does not know, such as `mut a: i32`; empty if it does.
    declaration: String,
    is_kept: bool,
}

impl Kept {
    /// Reads the helper's report.
    pub(super) fn parse(json: &[u8]) -> Option<Kept> {
        serde_json::from_slice(json).ok()
    }

    /// A cell that makes the engine know the variables again: it takes each from the store, where they
    /// are. `None` if it knows all.
    pub(super) fn recovery_cell(&self) -> Option<String> {
        let unknown = self
            .variables
            .iter()
            .filter(|variable| variable.is_kept && !variable.declaration.is_empty());
        let parts = unknown.filter_map(|variable| variable.declaration.split_once(": "));
        let (names, kinds): (Vec<&str>, Vec<&str>) = parts.unzip();
        if self.complete || names.is_empty() {
            return None;
        }
        let take = |name: &&str| {
            let name = name.trim_start_matches("mut ");
            format!("evcxr_variable_store.take_variable(stringify!({name}))")
        };
        let taken: Vec<String> = names.iter().map(take).collect();
        // The engine takes the type of a single name as it is written.
        let typed = |(name, kind): (&&str, &&str)| {
            let value = name.trim_start_matches("mut ");
            format!(" let {name}: {kind} = {value};")
        };
        let typed: String = names.iter().zip(&kinds).map(typed).collect();
        Some(format!(
            "let ({},): ({},) = ({},);{typed}",
            names.join(", "),
            kinds.join(", "),
            taken.join(", ")
        ))
    }

    /// Names that no longer have a value.
    pub(super) fn lost(&self) -> impl Iterator<Item = &str> {
        self.variables
            .iter()
            .filter(|variable| !variable.is_kept)
            .map(|variable| variable.name.as_str())
    }

    /// A sentence that says which variables are kept; `None` if there is nothing to say.
    pub(super) fn note(&self) -> Option<String> {
        let kept = self.variables.iter().filter(|variable| variable.is_kept);
        let kept: Vec<&str> = kept.map(|variable| variable.name.as_str()).collect();
        let lost: Vec<&str> = self.lost().collect();
        match (kept.is_empty(), lost.is_empty()) {
            (true, true) => None,
            (false, true) => Some(format!("Kept: {}.", listed(&kept))),
            (true, false) => Some(format!("Not defined: {}.", listed(&lost))),
            (false, false) => Some(format!(
                "Kept: {}. Not defined: {}.",
                listed(&kept),
                listed(&lost)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recovery_takes_what_the_engine_does_not_know() {
        let json = br#"[false, [["a", "mut a: Vec<f32>", true], ["b", "b: (i32, u8)", true], ["c", "", true], ["d", "", false]]]"#;
        let kept = Kept::parse(json).unwrap();
        assert_eq!(
            kept.recovery_cell().unwrap(),
            "let (mut a, b,): (Vec<f32>, (i32, u8),) = (evcxr_variable_store.take_variable(stringify!(a)), \
             evcxr_variable_store.take_variable(stringify!(b)),); let mut a: Vec<f32> = a; let b: (i32, u8) = b;"
        );
        assert_eq!(
            kept.note().unwrap(),
            "Kept: `a`, `b`, `c`. Not defined: `d`."
        );
        assert_eq!(kept.lost().collect::<Vec<_>>(), ["d"]);
        let complete = Kept::parse(br#"[true, [["a", "a: u8", true]]]"#).unwrap();
        assert_eq!(complete.recovery_cell(), None);
        assert_eq!(Kept::default().note(), None);
        assert_eq!(Kept::parse(b"[1]"), None);
    }
}
