//! The rewriting of a cell's source.

use super::checks::add_stop_checks;
use super::diagnostics::{CompilerError, errors, translated};
use super::edits::Edits;
use super::generated::{CellFunction, bytes};
use super::lines::{LineMap, line_of};
use super::parts;
use super::runtime::with_helper;
use super::statement::{assigns, mentions};
use super::statics::refer_to_loaded;
use super::types::Types;
use ra_ap_syntax::ast::{self, HasAttrs, HasModuleItem};
use ra_ap_syntax::{AstNode, Edition, SourceFile};
use std::collections::HashSet;

/// The source that the engine wrote for a cell.
pub(crate) struct CellSource {
    /// The source, which uses the helper's store of variables and its reports of failures.
    pub(crate) text: String,
    file: SourceFile,
    cell: Option<CellFunction>,
    loaded_statics: HashSet<String>,
    /// Variables that the compiler found to be moved and assigned.
    forced: Vec<String>,
}

/// A rewritten source.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    lines: LineMap,
}

/// The consequence of the compiler's errors in a rewritten source.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The source can be rewritten better.
    Again,
    /// The engine should see the errors: they are about its code, which it corrects by itself, or
    /// nothing was rewritten.
    Final,
    /// The errors may come from the rewriting.
    Doubtful,
}

impl CellSource {
    /// Reads a source of the engine.
    pub(crate) fn new(source: &str, loaded_statics: HashSet<String>) -> CellSource {
        let text = with_helper(source);
        let parse = SourceFile::parse(&text, Edition::Edition2024);
        let file = parse.tree();
        let is_valid = parse.errors().is_empty();
        CellSource {
            cell: is_valid.then(|| CellFunction::find(&file)).flatten(),
            text,
            file,
            loaded_statics,
            forced: Vec::new(),
        }
    }

    /// The source as it should be compiled; `None` if it is not that of a cell.
    pub(crate) fn rewritten(&self) -> Option<Rewritten> {
        let cell = self.cell.as_ref()?;
        let mut edits = Edits::default();
        add_stop_checks(self.file.syntax(), &mut edits);
        refer_to_loaded(
            &self.text,
            self.file.syntax(),
            &self.loaded_statics,
            &mut edits,
        );
        self.export_macros(&mut edits);
        Types::of(&self.file).guard(cell, &mut edits);
        self.leave_unused_variables(cell, &mut edits);
        let mut lines = LineMap::default();
        if let Some((divided, map)) = parts::divide(&self.text, cell, &self.forced) {
            edits.append(divided);
            lines = map;
        }
        Some(Rewritten {
            text: edits.apply(&self.text),
            lines,
        })
    }

    /// Lets the items before a macro use it: the engine keeps items in no order.
    fn export_macros(&self, edits: &mut Edits) {
        for item in self.file.items() {
            if let ast::Item::MacroRules(rules) = item
                && !rules.attrs().any(|attribute| {
                    attribute
                        .syntax()
                        .text()
                        .to_string()
                        .contains("macro_export")
                })
            {
                edits.insert(bytes(rules.syntax()).start, "#[macro_export] ");
            }
        }
    }

    /// Leaves variables in the store that the cell does not mention: it cannot lose them, and
    /// compiles faster.
    fn leave_unused_variables(&self, cell: &CellFunction, edits: &mut Edits) {
        let Some(run) = &cell.run else { return };
        let code: String = run
            .statements
            .iter()
            .map(|node| node.text().to_string())
            .collect();
        for taken in &cell.taken {
            let put_back = cell.put_back.iter().find(|put| put.name == taken.name);
            if let (false, Some(put_back)) = (mentions(&code, &taken.name), put_back) {
                edits.blank(&self.text, taken.range.clone());
                edits.blank(&self.text, put_back.range.clone());
            }
        }
    }

    /// Judges the compiler's errors in a rewritten source.
    pub(crate) fn judge(&mut self, rewritten: &Rewritten, output: &str) -> Verdict {
        let errors = errors(output);
        let moved: Vec<String> = errors
            .iter()
            .filter_map(|error| self.moved_and_assigned(error, rewritten))
            .filter(|name| !self.forced.contains(name))
            .collect();
        if !moved.is_empty() {
            self.forced.extend(moved);
            return Verdict::Again;
        }
        let is_engines = |error: &CompilerError| {
            error
                .lines
                .iter()
                .all(|line| self.is_engines(rewritten.lines.engine_line(*line)))
        };
        let is_unchanged = rewritten.text == self.text;
        if is_unchanged || (!errors.is_empty() && errors.iter().all(is_engines)) {
            Verdict::Final
        } else {
            Verdict::Doubtful
        }
    }

    /// The variable that an error found to be moved where the engine stores it, if the cell also
    /// assigns it.
    fn moved_and_assigned(&self, error: &CompilerError, rewritten: &Rewritten) -> Option<String> {
        if error.code.as_deref() != Some("E0382") {
            return None;
        }
        let cell = self.cell.as_ref()?;
        let line = rewritten.lines.engine_line(*error.lines.first()?);
        let put = cell
            .put_back
            .iter()
            .chain(cell.run.as_ref()?.bound.iter())
            .find(|put| line_of(&self.text, put.range.start) == line)?;
        let mut statements = cell.run.as_ref()?.statements.iter();
        let assigned = statements.any(|statement| assigns(statement, &put.name));
        assigned.then(|| put.name.clone())
    }

    /// True for a line of the statements that store variables.
    fn is_engines(&self, line: usize) -> bool {
        let Some(cell) = &self.cell else {
            return false;
        };
        let bound = cell.run.iter().flat_map(|run| &run.bound);
        cell.put_back
            .iter()
            .chain(bound)
            .any(|put| line_of(&self.text, put.range.start) == line)
    }
}

impl Rewritten {
    /// The compiler's messages with the line numbers of the engine's source.
    pub(crate) fn translated(&self, output: &str) -> String {
        translated(output, &self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source as the engine writes it: `old` and `unused` are variables of earlier cells.
    fn source(statements: &str, puts: &str, put_back: &str) -> String {
        format!(
            "fn f() {{}}
mod evcxr_internal_runtime {{
}}
pub extern \"C\" fn run_user_code_1(store: *mut u8) -> *mut u8 {{
{{let mut vars_ok = true;
if !vars_ok {{return evcxr_variable_store;}}}}
let mut old = evcxr_variable_store.take_variable::<Vec<i32>>(stringify!(old));
let unused = evcxr_variable_store.take_variable::<i32>(stringify!(unused));
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{{
let _ = (|| -> std::result::Result<(), EvcxrUserCodeError> {{
{statements}
{puts}Ok(())}})();
}})) {{
  Ok(_) => {{}}
}}
{put_back}evcxr_variable_store.put_variable::<i32>(stringify!(unused), unused);
evcxr_variable_store
}}
"
        )
    }

    const PUT_OLD: &str = "evcxr_variable_store.put_variable::<Vec<i32>>(stringify!(old), old);\n";

    fn put(name: &str) -> String {
        format!("evcxr_variable_store.put_variable::<i32>(stringify!({name}), {name});\n")
    }

    fn rewritten(source: &CellSource) -> Rewritten {
        source.rewritten().unwrap()
    }

    fn new(text: &str) -> CellSource {
        CellSource::new(text, HashSet::new())
    }

    #[test]
    fn a_cell_with_one_part_only_leaves_unused_variables() {
        let text = source("old.push(1);", "", PUT_OLD);
        let rewritten = rewritten(&new(&text)).text;
        assert!(!rewritten.contains("unused)") && rewritten.contains("catch_unwind"));
        assert_eq!(rewritten.lines().count(), text.lines().count());
    }

    #[test]
    fn each_binding_ends_a_part() {
        let statements = "let a = g(&old)?; // note\nlet mut b = a + 1;\nold.push(b);";
        let text = source(statements, &(put("b") + &put("a")), PUT_OLD);
        let cell = new(&text);
        let rewritten = rewritten(&cell);
        for part in [
            "if let Some((a, )) = ::candlebook::part::run(|| -> ::std::result::Result<_, EvcxrUserCodeError> {",
            "let a = g(&old)?;; ::std::result::Result::Ok((a, )) }) {",
            "if let Some((mut b, )) =",
            "report_kept(false, &[(\"b\", \"\", false), (\"a\", \"\", false), ]);",
            "report_kept(false, &[(\"a\", \"a: i32\", true), (\"b\", \"\", false), ]);",
            "report_kept(true, &[(\"a\", \"a: i32\", true), (\"b\", \"mut b: i32\", true), ]);",
        ] {
            assert!(rewritten.text.contains(part), "{part}\n{}", rewritten.text);
        }
        // The user's lines stay where they are.
        let line = |text: &str, part: &str| text.lines().position(|line| line.contains(part));
        assert_eq!(
            line(&rewritten.text, "old.push(b)"),
            line(&text, "old.push(b)")
        );
        let engine_line = |part: &str| {
            line(&rewritten.text, part).map(|at| rewritten.lines.engine_line(at + 1) - 1)
        };
        for put in [
            "stringify!(a), a",
            "stringify!(b), b",
            "stringify!(old), old",
        ] {
            assert_eq!(engine_line(put), line(&text, put), "{put}");
        }
    }

    #[test]
    fn a_variable_that_is_moved_and_assigned_has_a_backup() {
        let text = source("old = h(old)?;", "", PUT_OLD);
        let rewritten = rewritten(&new(&text)).text;
        for part in [
            "let candlebook_old_0 = (&::candlebook::part::Backup(&old)).backup();",
            "if let Some((mut old, )) =",
            "if let Some(value) = candlebook_old_0 {",
            "(\"old\", \"\", candlebook_old_0_kept)",
        ] {
            assert!(rewritten.contains(part), "{part}\n{rewritten}");
        }
    }

    #[test]
    fn the_compiler_finds_variables_that_a_loop_moves() {
        let text = source("for i in j { old = h(old)?; }", "", PUT_OLD);
        let mut cell = new(&text);
        let first = rewritten(&cell);
        assert!(first.text.contains("leave_if_interrupted") && !first.text.contains("Backup"));
        let line = first
            .text
            .lines()
            .position(|line| line.contains("stringify!(old), old"));
        let error = |code: &str, line: usize| {
            format!(
                r#"{{"level":"error","code":{{"code":"{code}"}},"spans":[{{"is_primary":true,"line_start":{line}}}]}}"#
            )
        };
        let line = line.unwrap() + 1;
        assert_eq!(cell.judge(&first, &error("E0308", 1)), Verdict::Doubtful);
        assert_eq!(cell.judge(&first, &error("E0382", line)), Verdict::Again);
        let second = rewritten(&cell);
        assert!(second.text.contains("Backup"));
        assert_eq!(
            cell.judge(&second, &error("E0382", line)),
            Verdict::Doubtful
        );
    }

    #[test]
    fn macros_are_visible_before_their_definition() {
        let text = format!(
            "macro_rules! m {{ () => {{}} }}\n{}",
            source("m!();", "", PUT_OLD)
        );
        assert!(
            rewritten(&new(&text))
                .text
                .starts_with("#[macro_export] macro_rules!")
        );
    }
}
