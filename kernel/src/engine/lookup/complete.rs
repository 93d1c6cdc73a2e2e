//! Completion of a name.

use super::super::code::closing_brackets;
use super::super::magic::command_names;
use super::analyzer::Analyzer;
use super::candidate::Candidate;
use super::place::{CursorPlace, place};
use super::sources::helper;
use super::visible::retain_usable;
use std::collections::HashSet;

/// The names that completion offers, and the bytes of the cell that they replace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Candidates {
    pub(crate) names: Vec<Candidate>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Completes the name at a byte offset. `own` are the names of the cells' items.
pub(crate) fn complete(
    analyzer: &mut dyn Analyzer,
    code: &str,
    byte: usize,
    own: &[String],
) -> Option<Candidates> {
    if let Some(commands) = complete_command(code, byte) {
        return Some(commands);
    }
    // Arguments of a macro have no names before its bracket is closed.
    let closed = format!("{code}{}", closing_brackets(code));
    let found = analyzer.completions(&closed, byte)?;
    let mut names: Vec<Candidate> = found.items.iter().filter_map(Candidate::new).collect();
    let place = place(code, byte);
    retain_usable(analyzer, code, &place, own, &mut names);
    let mut seen = HashSet::new();
    names.retain(|candidate| seen.insert(candidate.text.clone()));
    add_defaults(&place, &code[found.start..byte], &mut names);
    Some(Candidates {
        names,
        start: found.start,
        end: found.end,
    })
}

/// Adds the rest of a struct of settings.
fn add_defaults(place: &CursorPlace, typed: &str, names: &mut Vec<Candidate>) {
    match place {
        CursorPlace::Record(type_name) if typed.is_empty() && helper().declares(type_name) => {
            names.push(Candidate::defaults("..Default::default()"));
        }
        CursorPlace::Rest if "Default".starts_with(typed) => {
            names.insert(0, Candidate::defaults("Default::default()"));
        }
        _ => {}
    }
}

/// Completes a command on a line that begins with a colon.
fn complete_command(code: &str, byte: usize) -> Option<Candidates> {
    let start = code[..byte].rfind('\n').map_or(0, |at| at + 1);
    let typed = &code[start..byte];
    if !typed.starts_with(':') || typed[1..].contains([' ', ':']) {
        return None;
    }
    let names = command_names().filter(|name| name.starts_with(typed));
    Some(Candidates {
        names: names.map(Candidate::command).collect(),
        start,
        end: byte,
    })
}

#[cfg(test)]
mod tests {
    use super::super::analyzer::{Completion, Completions};
    use super::*;

    /// A rust-analyzer that knows one type of receiver, and offers the same names everywhere.
    struct Fixed {
        names: &'static [(&'static str, &'static str)],
        exported: &'static [(&'static str, &'static str)],
        type_name: &'static str,
    }

    impl Analyzer for Fixed {
        fn completions(&mut self, code: &str, byte: usize) -> Option<Completions> {
            let names = if code.starts_with("use ") {
                self.exported
            } else {
                self.names
            };
            let items = names.iter().map(|(name, kind)| Completion {
                code: if *kind == "function" {
                    format!("{name}(a)")
                } else {
                    name.to_string()
                },
                label: name.to_string(),
                kind,
            });
            Some(Completions {
                items: items.collect(),
                start: byte,
                end: byte,
            })
        }

        fn hover(&mut self, code: &str, _: usize) -> Option<(String, String)> {
            let text = match code.rsplit('.').next() {
                Some("open") => "a::B\n\npub open: u8".to_owned(),
                Some("plan") => "ctx::Autoencoder\n\nplan: u8".to_owned(),
                Some("buf") => "a::B\n\nbuf: u8".to_owned(),
                _ => format!("candlebook_value: {}", self.type_name),
            };
            Some((text, String::new()))
        }
    }

    fn names(analyzer: &mut Fixed, code: &str, own: &[&str]) -> Vec<String> {
        let own: Vec<String> = own.iter().map(|name| name.to_string()).collect();
        let found = complete(analyzer, code, code.len(), &own).unwrap();
        found
            .names
            .into_iter()
            .map(|candidate| candidate.text)
            .collect()
    }

    #[test]
    fn members_that_cells_cannot_use_are_not_offered() {
        const NAMES: &[(&str, &str)] = &[
            ("plan", "instance"),
            ("fit", "function"),
            ("run_layers", "function"),
            ("evcxr_display", "function"),
            ("clone", "function"),
        ];
        let mut analyzer = Fixed {
            names: NAMES,
            exported: &[],
            type_name: "&Autoencoder",
        };
        assert_eq!(names(&mut analyzer, "ae.", &[]), ["fit", "clone"]);
        assert_eq!(names(&mut analyzer, "Autoencoder::", &[]), ["fit", "clone"]);
        let own = names(&mut analyzer, "ae.", &["Autoencoder"]);
        assert_eq!(own, ["plan", "fit", "run_layers", "clone"]);
    }

    #[test]
    fn fields_of_other_crates_are_offered_if_they_are_public() {
        const NAMES: &[(&str, &str)] = &[
            ("open", "instance"),
            ("buf", "instance"),
            ("len", "function"),
        ];
        let mut analyzer = Fixed {
            names: NAMES,
            exported: &[],
            type_name: "B",
        };
        assert_eq!(names(&mut analyzer, "b.", &[]), ["open", "len"]);
    }

    #[test]
    fn a_module_offers_what_it_exports() {
        const NAMES: &[(&str, &str)] =
            &[("Plot", "class"), ("Canvas", "class"), ("show", "function")];
        let mut analyzer = Fixed {
            names: NAMES,
            exported: &[("Plot", "class"), ("show", "function")],
            type_name: "",
        };
        assert_eq!(names(&mut analyzer, "show::", &[]), ["Plot", "show"]);
    }

    #[test]
    fn a_struct_of_settings_offers_its_settings_and_the_defaults() {
        const NAMES: &[(&str, &str)] = &[("epochs", "instance"), ("secret", "instance")];
        let mut analyzer = Fixed {
            names: NAMES,
            exported: &[],
            type_name: "",
        };
        let expected = ["epochs", "..Default::default()"];
        assert_eq!(names(&mut analyzer, "Fit { ", &[]), expected);
        let rest = names(&mut analyzer, "Fit { epochs: 2, ..", &[]);
        assert_eq!(rest[0], "Default::default()");
        assert_eq!(names(&mut analyzer, ":dep a\n:v", &[]), [":vars"]);
    }
}
