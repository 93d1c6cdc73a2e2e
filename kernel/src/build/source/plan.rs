//! The parts into which a cell is divided, and what becomes of its variables if one of them fails.

use super::generated::{CellFunction, Run, Stored};
use super::statement::{
    Binding, assigned, assigns, bindings, is_deferred, is_trivial, may_move, mentions,
};
use ra_ap_syntax::SyntaxNode;
use std::ops::Range;

/// Consecutive statements that run together. A part ends where variables are bound, so that the next
/// part cannot lose them.
#[derive(Debug, PartialEq)]
pub(super) struct CellPart {
    pub(super) statements: Range<usize>,
    pub(super) bindings: Vec<Binding>,
    /// Variables that the part moves and assigns again.
    pub(super) rebinds: Vec<String>,
    /// True if the part cannot fail.
    pub(super) trivial: bool,
    /// True if the last statement assigns a variable that the cell has moved before: it declares it
    /// anew.
    pub(super) redeclares: bool,
}

/// A value that a variable has from one part on, until the next definition of the name.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    /// The part that binds it; `None` for a variable of an earlier cell.
    pub(super) part: Option<usize>,
    pub(super) mutable: bool,
    /// The type, where the engine knows it.
    pub(super) kind: Option<String>,
    /// The part that defines the name again.
    pub(super) next: Option<usize>,
    /// The first part, up to `next`, that may move the value.
    pub(super) moved: Option<usize>,
    /// The engine's statement that stores the value in the end.
    pub(super) stored: Option<Range<usize>>,
    /// True if the engine keeps the variable's name even if the cell fails.
    pub(super) known: bool,
    /// True for an assignment, which has the type of the definition before.
    pub(super) assigned: bool,
}

/// The parts of a cell and the definitions of its variables.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<CellPart>,
    pub(super) definitions: Vec<Definition>,
}

impl Plan {
    /// Divides a cell. `forced` are variables that the compiler found to be moved and assigned.
    /// `None` if the cell needs no division: it has one part, which can lose nothing.
    pub(super) fn new(cell: &CellFunction, run: &Run, forced: &[String]) -> Option<Plan> {
        let parts = divide(cell, run, forced)?;
        let definitions = define(cell, run, &parts);
        let at_risk = |definition: &Definition| {
            definition.part.is_none() && (definition.next.is_some() || definition.stored.is_none())
        };
        let worthwhile = parts.len() > 1 || definitions.iter().any(at_risk);
        worthwhile.then_some(Plan { parts, definitions })
    }

    /// The part that fails last: names bound before it are kept.
    pub(super) fn is_last(&self, part: usize) -> bool {
        part + 1 == self.parts.len()
    }
}

/// Divides the statements. `None` if a variable is declared without a value.
fn divide(cell: &CellFunction, run: &Run, forced: &[String]) -> Option<Vec<CellPart>> {
    let mut known: Vec<String> = cell.taken.iter().map(|taken| taken.name.clone()).collect();
    let mut parts = Vec::new();
    let mut start = 0;
    let mut rebinds = Vec::new();
    for (at, statement) in run.statements.iter().enumerate() {
        if is_deferred(statement) {
            return None;
        }
        let before = &run.statements[..at];
        let redeclares = assigned(statement).is_some_and(|name| {
            known.contains(&name) && is_moved(before, &name) && !mentions_value(statement, &name)
        });
        rebinds.extend(assigned(statement).filter(|_| redeclares));
        rebinds.extend(rebound(statement, &known, forced));
        rebinds.dedup();
        let bindings = bindings(statement);
        if bindings.is_none() && rebinds.is_empty() && at + 1 < run.statements.len() {
            continue;
        }
        let bindings = bindings.unwrap_or_default();
        rebinds.retain(|name| bindings.iter().all(|binding| binding.name != *name));
        known.extend(bindings.iter().map(|binding| binding.name.clone()));
        parts.push(CellPart {
            trivial: at == start && is_trivial(statement),
            redeclares,
            statements: start..at + 1,
            bindings,
            rebinds: std::mem::take(&mut rebinds),
        });
        start = at + 1;
    }
    Some(parts)
}

/// True if statements move a variable and do not assign it afterwards.
fn is_moved(statements: &[SyntaxNode], name: &str) -> bool {
    let mut last = statements.iter().rev();
    last.find_map(|statement| {
        let binds = bindings(statement)
            .is_some_and(|names| names.iter().any(|binding| binding.name == name));
        if binds || assigns(statement, name) {
            Some(false)
        } else {
            may_move(statement, name).then_some(true)
        }
    })
    .unwrap_or(false)
}

/// True if the value of an assignment mentions a variable.
fn mentions_value(statement: &SyntaxNode, name: &str) -> bool {
    let text = statement.text().to_string();
    let value = text.split_once('=').map_or("", |(_, value)| value);
    mentions(value, name)
}

/// Variables that a statement moves and assigns again.
fn rebound(statement: &SyntaxNode, known: &[String], forced: &[String]) -> Vec<String> {
    let certain =
        assigned(statement).filter(|name| known.contains(name) && may_move(statement, name));
    let forced = forced
        .iter()
        .filter(|name| known.contains(name) && assigns(statement, name))
        .cloned();
    let mut names: Vec<String> = certain.into_iter().chain(forced).collect();
    names.dedup();
    names
}

fn define(cell: &CellFunction, run: &Run, parts: &[CellPart]) -> Vec<Definition> {
    let text = |part: &CellPart| -> String {
        let statements = &run.statements[part.statements.clone()];
        statements
            .iter()
            .map(|node| node.text().to_string())
            .collect()
    };
    let texts: Vec<String> = parts.iter().map(text).collect();
    let is_used = |taken: &&Stored| texts.iter().any(|text| mentions(text, &taken.name));
    let mut definitions: Vec<Definition> = cell
        .taken
        .iter()
        .filter(is_used)
        .map(|taken| of_earlier_cell(taken, cell))
        .collect();
    for (at, part) in parts.iter().enumerate() {
        for binding in &part.bindings {
            follow(&mut definitions, &binding.name, at);
            definitions.push(Definition {
                name: binding.name.clone(),
                part: Some(at),
                mutable: binding.mutable,
                kind: None,
                next: None,
                moved: None,
                stored: None,
                known: false,
                assigned: false,
            });
        }
        for name in &part.rebinds {
            let Some(before) = follow(&mut definitions, name, at) else {
                continue;
            };
            definitions.push(Definition {
                name: name.clone(),
                part: Some(at),
                next: None,
                moved: None,
                assigned: true,
                ..before
            });
        }
    }
    for definition in &mut definitions {
        complete(definition, run, parts);
    }
    spread_types(&mut definitions);
    definitions
}

/// Gives a definition the type of an assignment that follows it.
fn spread_types(definitions: &mut [Definition]) {
    for at in (0..definitions.len()).rev() {
        let (before, rest) = definitions.split_at_mut(at);
        let current = &rest[0];
        let previous = before
            .iter_mut()
            .rev()
            .find(|previous| previous.name == current.name);
        if let (true, Some(previous)) = (current.assigned, previous)
            && previous.kind.is_none()
        {
            previous.kind.clone_from(&current.kind);
        }
    }
}

fn of_earlier_cell(taken: &Stored, cell: &CellFunction) -> Definition {
    let put_back = cell.put_back.iter().find(|put| put.name == taken.name);
    Definition {
        name: taken.name.clone(),
        part: None,
        mutable: taken.mutable,
        kind: Some(taken.kind.clone()),
        next: None,
        moved: None,
        stored: put_back.map(|put| put.range.clone()),
        known: put_back.is_some(),
        assigned: false,
    }
}

/// Ends the current definition of a name at a part, and returns a copy of it.
fn follow(definitions: &mut [Definition], name: &str, part: usize) -> Option<Definition> {
    let current = definitions
        .iter_mut()
        .rev()
        .find(|definition| definition.name == name)?;
    current.next = Some(part);
    let stored = current.stored.take();
    Some(Definition {
        name: name.to_owned(),
        kind: current.kind.clone(),
        stored,
        ..*current
    })
}

/// Adds what follows from all definitions: where the value may be moved, and for the last definition
/// of a name bound by this cell, its type and the statement that stores it.
fn complete(definition: &mut Definition, run: &Run, parts: &[CellPart]) {
    let from = definition.part.map_or(0, |part| part + 1);
    let to = definition.next.map_or(parts.len(), |next| next + 1);
    definition.moved = (from..to).find(|at| {
        let part = &parts[*at];
        let rebinds = part.rebinds.contains(&definition.name);
        let mut statements = run.statements[part.statements.clone()].iter();
        rebinds || statements.any(|statement| may_move(statement, &definition.name))
    });
    let bound = run.bound.iter().find(|bound| bound.name == definition.name);
    if let (Some(bound), None, Some(_), None) =
        (bound, definition.next, definition.part, &definition.stored)
    {
        definition.kind = Some(bound.kind.clone());
        definition.stored = Some(bound.range.clone());
    }
}
