//! Prompts for user input from a cell.

use crate::show::frontend::token;
use std::io::Write;

/// Asks for a line of text in a field under the cell. Returns an empty string if the front end
/// cannot ask.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let epochs: usize = input("Epochs").parse().unwrap_or(10);
/// ```
pub fn input(prompt: &str) -> String {
    ask("EVCXR_INPUT_REQUEST", prompt)
}

/// Asks for a secret, which is hidden while it is typed. Returns an empty string if the front end
/// cannot ask.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let token = show::password("Access token");
/// ```
pub fn password(prompt: &str) -> String {
    ask("EVCXR_INPUT_REQUEST_PASSWORD", prompt)
}

/// Asks by evcxr's protocol: the request as a line on standard output, the answer on standard
/// input.
fn ask(command: &str, prompt: &str) -> String {
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        // The protocol ends the prompt at a newline or a colon.
        let trusted = match token() {
            "" => String::new(),
            token => format!("\u{1e}{token} "),
        };
        println!(
            "{trusted}{command}:{}",
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
