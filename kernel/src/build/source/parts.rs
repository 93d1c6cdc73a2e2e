//! A cell in parts: what it has bound before a `?` that fails, a panic or Stop is kept.
//!
//! The engine runs all statements of a cell in one closure, whose variables are lost if it ends early.
//! Here each part has a closure, which returns the variables that it binds. The rest of the cell is
//! nested in the branch for success:
//!
//! ```text
//! if let Some((mut a,)) = part(|| { let mut a = f()?; Ok((a,)) }) {
//!     if let Some(()) = part(|| { show(&a)?; Ok(()) }) {
//!     } else { report_kept(..) }
//!     put(a)
//! } else { report_kept(..) }
//! ```
//!
//! Each variable is stored at the end of its branch, whether or not the inner parts have failed. The
//! user's statements stay on their lines.

use super::edits::{Edits, line_breaks};
use super::generated::{CellFunction, Run, bytes};
use super::lines::{LineMap, line_of};
use super::plan::{CellPart, Definition, Plan};

/// Divides the cell. `None` if it needs no division.
pub(super) fn divide(
    source: &str,
    cell: &CellFunction,
    forced: &[String],
) -> Option<(Edits, LineMap)> {
    let run = cell.run.as_ref()?;
    let plan = Plan::new(cell, run, forced)?;
    let writer = Writer {
        source,
        run,
        plan: &plan,
    };
    let mut edits = writer.heads();
    for put in &cell.put_back {
        if plan.definitions.iter().any(|definition| {
            definition.part.is_some() && definition.stored.as_ref() == Some(&put.range)
        }) {
            edits.blank(source, put.range.clone());
        }
    }
    let (tail, lines) = writer.tail()?;
    edits.append(tail);
    Some((edits, lines))
}

struct Writer<'a> {
    source: &'a str,
    run: &'a Run,
    plan: &'a Plan,
}

impl Writer<'_> {
    /// The beginnings of all parts, each on the line where the part before ends.
    fn heads(&self) -> Edits {
        let mut edits = Edits::default();
        let start = self.run.range.start;
        for (at, part) in self.plan.parts.iter().enumerate() {
            let head = self.head(at, part);
            let first = bytes(&self.run.statements[part.statements.start]).start;
            if at == 0 {
                let breaks = line_breaks(&self.source[start..first]);
                edits.replace(start..first, head + &"\n".repeat(breaks));
            } else {
                let before = bytes(&self.run.statements[part.statements.start - 1]).end;
                edits.insert(before, head);
            }
            let last = bytes(&self.run.statements[part.statements.end - 1]);
            if part.redeclares {
                edits.insert(last.start, "let mut ");
            }
            edits.insert(last.end, self.end(at, part));
        }
        edits
    }

    fn head(&self, at: usize, part: &CellPart) -> String {
        let backups: String = self
            .plan
            .definitions
            .iter()
            .filter(|definition| needs_backup(definition) && definition.moved == Some(at))
            .map(|definition| {
                format!(
                    "let {} = (&::candlebook::part::Backup(&{})).backup();",
                    backup_name(definition),
                    definition.name
                )
            })
            .collect();
        let traits = if backups.is_empty() {
            ""
        } else {
            "use ::candlebook::part::{BackupByClone as _, NoBackup as _};"
        };
        if part.trivial {
            return format!(" {{{traits}{backups}");
        }
        let result = if self.run.question_mark {
            " -> ::std::result::Result<_, EvcxrUserCodeError> "
        } else {
            ""
        };
        format!(
            " {{{traits}{backups} if let Some(({})) = ::candlebook::part::run(||{result}{{",
            self.variables(at, true)
        )
    }

    fn end(&self, at: usize, part: &CellPart) -> String {
        if part.trivial {
            return String::new();
        }
        let names = self.variables(at, false);
        let result = if self.run.question_mark {
            "::std::result::Result::Ok"
        } else {
            "::std::result::Result::<_, ()>::Ok"
        };
        format!("; {result}(({names})) }}) {{")
    }

    /// The variables that a part returns, as a tuple's content.
    fn variables(&self, at: usize, as_pattern: bool) -> String {
        let defined = self.plan.definitions.iter();
        defined
            .filter(|definition| definition.part == Some(at))
            .map(|definition| {
                let mutable = as_pattern && definition.mutable;
                format!("{}{}, ", if mutable { "mut " } else { "" }, definition.name)
            })
            .collect()
    }

    /// The ends of all branches, in place of the engine's statements after the user's.
    fn tail(&self) -> Option<(Edits, LineMap)> {
        let last = bytes(self.run.statements.last()?).end;
        let start = last + self.source[last..].find('\n')?;
        let first_line = line_of(self.source, start) + 1;
        let last_line = line_of(self.source, self.run.range.end);
        let mut text = String::new();
        let mut origins = Vec::new();
        let mut line = |content: String, origin: usize| {
            text += "\n";
            text += &content;
            origins.push(origin);
        };
        for (at, part) in self.plan.parts.iter().enumerate().rev() {
            for definition in &self.plan.definitions {
                if let (Some(part), Some(stored)) = (definition.part, &definition.stored)
                    && part == at
                {
                    line(
                        put(definition, &definition.name),
                        line_of(self.source, stored.start),
                    );
                }
            }
            let end = if part.trivial {
                "}".to_owned()
            } else {
                format!("}} else {{ {} }} }}", self.failure(at))
            };
            line(end, last_line);
        }
        let mut edits = Edits::default();
        edits.replace(start..self.run.range.end, text);
        Some((edits, LineMap::new(first_line, origins, last_line)))
    }

    /// The branch of a part that has failed: stores what no later part will store, and reports.
    fn failure(&self, at: usize) -> String {
        let mut statements = String::new();
        let mut report = Vec::new();
        for definition in &self.plan.definitions {
            if definition.part.is_some_and(|part| part >= at) {
                continue;
            }
            let current = definition.next.is_none_or(|next| next >= at);
            let Some(kind) = definition.kind.as_ref().filter(|_| current) else {
                continue;
            };
            let name = &definition.name;
            let mutable = if definition.mutable { "mut " } else { "" };
            let declaration = if definition.known {
                String::new()
            } else {
                format!("{mutable}{name}: {kind}")
            };
            let is_stored = definition.stored.is_some();
            if !is_stored && definition.moved.is_some_and(|moved| moved <= at) {
                if needs_backup(definition) {
                    let kept = format!("{}_kept", backup_name(definition));
                    statements += &restore(definition, &kept);
                    report.push(entry(name, &declaration, &kept));
                }
                continue;
            }
            if !is_stored {
                statements += &put(definition, name);
            }
            if !definition.known {
                report.push(entry(name, &declaration, "true"));
            }
        }
        let reported: Vec<String> = report.iter().map(|(name, _)| name.clone()).collect();
        let lost = self
            .run
            .bound
            .iter()
            .filter(|bound| !reported.contains(&bound.name));
        report.extend(lost.map(|bound| entry(&bound.name, "", "false")));
        let entries: String = report.iter().map(|(_, text)| text.as_str()).collect();
        format!(
            "{statements} ::candlebook::part::report_kept({}, &[{entries}]);",
            self.is_complete(at)
        )
    }

    /// True if the engine may take the cell for one that succeeded: all that it binds is stored, and
    /// nothing else is.
    fn is_complete(&self, at: usize) -> bool {
        let is_unfinished = |definition: &Definition| {
            let is_gone = definition.part.is_none()
                && definition.next.is_none()
                && definition.stored.is_none()
                && definition.moved.is_none_or(|moved| at < moved);
            definition.part == Some(at) || definition.next == Some(at) || is_gone
        };
        self.plan.is_last(at) && !self.plan.definitions.iter().any(is_unfinished)
    }
}

/// Stores a value's copy, if there is one. `kept` is the variable that tells so.
fn restore(definition: &Definition, kept: &str) -> String {
    format!(
        "let {kept} = if let Some(value) = {} {{ {} true }} else {{ false }};",
        backup_name(definition),
        put(definition, "value")
    )
}

/// True for a value that a later part moves to define the name again: a copy is kept if it can be
/// cloned.
fn needs_backup(definition: &Definition) -> bool {
    definition.next.is_some() && definition.moved.is_some() && definition.kind.is_some()
}

fn backup_name(definition: &Definition) -> String {
    let part = definition.part.map_or(0, |part| part + 1);
    format!(
        "candlebook_{}_{part}",
        definition.name.trim_start_matches("r#")
    )
}

/// Stores a value under a variable's name.
fn put(definition: &Definition, value: &str) -> String {
    let kind = definition.kind.as_deref().unwrap_or("_");
    format!(
        "evcxr_variable_store.put_variable::<{kind}>(stringify!({}), {value});",
        definition.name
    )
}

/// A name in the report, and its text.
fn entry(name: &str, declaration: &str, kept: &str) -> (String, String) {
    (
        name.to_owned(),
        format!("({name:?}, {declaration:?}, {kept}), "),
    )
}
