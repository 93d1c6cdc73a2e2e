//! Completion and inspection replies, from the engine or from the names known after the last cell.

use super::message::Request;
use super::state::KernelState;
use crate::engine;
use crate::engine::Engine;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Answers `complete_request` by rust-analyzer; `None` if the engine has no answer.
pub(super) fn complete(engine: &mut Engine, request: &Request) -> Option<Value> {
    let source = request.text("code");
    let cursor = request.cursor();
    let complete = AssertUnwindSafe(|| engine.complete(source, cursor));
    let found = catch_unwind(complete).ok()??;
    let start = engine::characters_before(source, found.start);
    let end = engine::characters_before(source, found.end);
    let matches: Vec<&str> = found.names.iter().map(|name| name.text.as_str()).collect();
    let typed = found.names.iter().map(|name| {
        json!({
            "text": name.text, "type": name.kind, "signature": name.arguments,
            "start": start, "end": end,
        })
    });
    let typed: Vec<Value> = typed.collect();
    Some(json!({
        "status": "ok",
        "matches": matches,
        "cursor_start": start,
        "cursor_end": end,
        "metadata": { "_jupyter_types_experimental": typed },
    }))
}

/// Answers `complete_request` from the known names, while the engine is busy.
pub(super) fn complete_from_names(state: &KernelState, request: &Request) -> Value {
    let source = request.text("code");
    let cursor = request.cursor();
    let start = engine::word_at(source, cursor).start;
    let prefix = &source[start..cursor];
    // After a dot or ::, only the engine knows the candidates.
    let after_path = source[..start].ends_with(['.', ':']);
    let names = state.names();
    let matches: Vec<&str> = names
        .iter()
        .map(|known| known.name.as_str())
        .filter(|name| !after_path && !prefix.is_empty() && name.starts_with(prefix))
        .collect();
    json!({
        "status": "ok",
        "matches": matches,
        "cursor_start": engine::characters_before(source, start),
        "cursor_end": engine::characters_before(source, cursor),
        "metadata": {},
    })
}

/// Answers `inspect_request`, for the name that ends at byte `end`.
pub(super) fn inspect(engine: &mut Engine, source: &str, end: usize) -> Option<Value> {
    let inspect = AssertUnwindSafe(|| engine.inspect(source, end));
    let description = catch_unwind(inspect).ok()??;
    Some(found(Value::Object(description.content())))
}

/// Answers `inspect_request` from the known names, while the engine is busy.
pub(super) fn inspect_from_names(state: &KernelState, request: &Request) -> Value {
    let source = request.text("code");
    let word = &source[engine::word_at(source, request.cursor())];
    let names = state.names();
    match names
        .iter()
        .find(|known| known.name == word && !known.type_name.is_empty())
    {
        Some(known) => {
            found(json!({ "text/plain": format!("{}: {}", known.name, known.type_name) }))
        }
        None => json!({ "status": "ok", "found": false, "data": {}, "metadata": {} }),
    }
}

/// Answers `is_complete_request`.
pub(super) fn is_complete(state: &KernelState, request: &Request) -> Value {
    let names = state.names();
    let is_known =
        |name: &str| engine::is_always_known(name) || names.iter().any(|known| known.name == name);
    engine::is_complete(request.text("code"), &is_known)
}

fn found(data: Value) -> Value {
    json!({ "status": "ok", "found": true, "data": data, "metadata": {} })
}
