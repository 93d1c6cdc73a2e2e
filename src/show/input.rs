//! Questions to the user from a cell.

use std::io::Write;

/// Asks for a line of text; the front end shows a field under the cell. Empty where the front end cannot be asked.
pub fn input(prompt: &str) -> String {
    ask("EVCXR_INPUT_REQUEST", prompt)
}

/// Asks for a secret, which is not shown as it is typed.
pub fn password(prompt: &str) -> String {
    ask("EVCXR_INPUT_REQUEST_PASSWORD", prompt)
}

/// The engine's own protocol: a line on standard output, then the answer on standard input.
fn ask(command: &str, prompt: &str) -> String {
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        // The prompt ends at the line's end and at a colon.
        println!(
            "{command}:{}",
            prompt.replace(['\n', '\r'], " ").replace(':', "\u{2236}")
        );
    } else {
        print!("{prompt}");
    }
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) => line.trim_end_matches(['\n', '\r']).to_owned(),
        Err(_) => String::new(),
    }
}
