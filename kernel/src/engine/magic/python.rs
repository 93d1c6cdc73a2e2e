//! Code of Python notebooks, and its equivalent here.

/// IPython's magics, by name.
pub(super) fn magic(name: &str) -> &'static str {
    match name {
        "time" | "timeit" | "prun" => {
            "Here: let start = std::time::Instant::now(); /* code */ start.elapsed()"
        }
        "matplotlib" | "pylab" => {
            "Here charts need no setup: Plot::new().line(\"loss\", 1..4, [0.9, 0.5, 0.3])"
        }
        "pip" | "conda" | "mamba" => "Here: :dep rand = \"0.9\" adds a crate",
        "cd" => "Here: std::env::set_current_dir(\"folder\")?",
        "pwd" => "Here: std::env::current_dir()?",
        "ls" | "cat" | "mkdir" | "rm" | "cp" | "mv" | "bash" | "sh" | "script" | "system"
        | "sx" => "Here a line that begins with ! runs in the shell: !ls -l",
        "env" | "set_env" => "Here: std::env::var(\"NAME\")?",
        "who" | "whos" | "who_ls" => "Here: :vars",
        "reset" | "reset_selective" => "Here: :clear",
        "load_ext" | "reload_ext" | "autoreload" | "config" | "capture" => {
            "Here nothing has to be loaded or set up"
        }
        "run" => "In a terminal: candlebook run notebook.ipynb",
        "writefile" => "Here: std::fs::write(\"file\", text)?",
        "debug" | "pdb" | "tb" => "Here: dbg!(&value) prints a value with its place",
        _ => "`:help` lists the commands of this notebook",
    }
}

/// Modules, by the first name of their path or by the usual short name.
pub(super) fn module(name: &str) -> Option<&'static str> {
    Some(match name {
        "numpy" | "np" => {
            "Tensors need no import: Tensor::new(&[1f32, 2.0], &Device::Cpu)?; data::npy_images reads NumPy files"
        }
        "torch" | "torchvision" | "tensorflow" | "tf" | "keras" | "jax" => {
            "Tensors, layers and data sets need no import: Tensor, Linear, Autoencoder, mnist()"
        }
        "matplotlib" | "plt" | "seaborn" | "sns" | "plotly" => {
            "Charts need no import: Plot::new().line(\"loss\", 1..4, [0.9, 0.5, 0.3])"
        }
        "pandas" | "pd" => {
            "Tables of values need no import: Table; :dep polars = \"0.50\" adds data frames"
        }
        "PIL" | "cv2" => {
            "Images need no import: show(&tensor), Image, image_folder(\"photos\", &Default::default())"
        }
        "os" | "sys" | "pathlib" | "shutil" => "Here: std::env, std::fs and std::path",
        "time" | "datetime" => "Here: use std::time::{Duration, Instant};",
        "math" => "Here functions are methods of numbers: 2f64.sqrt(), std::f64::consts::PI",
        "random" => "Here: :dep rand = \"0.9\" on the cell's first line",
        "json" => "Here: :dep serde_json = \"1\" on the cell's first line",
        _ => return None,
    })
}

/// The equivalent of a call of one of Python's functions. `argument` is the text of its arguments.
pub(super) fn function(name: &str, argument: &str) -> Option<String> {
    let is_name = argument.starts_with(char::is_alphabetic)
        && argument.chars().all(|c| c.is_alphanumeric() || c == '_');
    let value = if argument.is_empty() { "x" } else { argument };
    Some(match name {
        "print" if argument.starts_with('"') && !argument.contains("\",") => {
            format!("println!({argument})")
        }
        "print" if is_name => format!("println!(\"{{{argument}:?}}\")"),
        "print" => format!("println!(\"{{:?}}\", {value})"),
        "len" => format!("{value}.len()"),
        "range" => "0..10, or (0..10).step_by(2)".into(),
        "str" | "repr" => format!("{value}.to_string(), or format!(\"{{:?}}\", {value})"),
        "int" => format!("{value} as i64; for text {value}.parse::<i64>()?"),
        "float" => format!("{value} as f64; for text {value}.parse::<f64>()?"),
        "list" | "tuple" => format!("{value}.into_iter().collect::<Vec<_>>()"),
        "dict" | "set" => "std::collections::HashMap and HashSet".into(),
        "sum" => format!("{value}.iter().sum::<f64>()"),
        "min" | "max" => {
            format!("{value}.iter().{name}(); for floats .copied().fold(f64::NAN, f64::{name})")
        }
        "abs" | "round" => format!("{value}.{name}()"),
        "sorted" => "a mutable copy with .sort(); for floats .sort_by(f64::total_cmp)".into(),
        "enumerate" => format!("{value}.iter().enumerate()"),
        "zip" => "a.iter().zip(&b)".into(),
        "open" => "std::fs::read_to_string(\"file\")?".into(),
        "display" => format!("show({value})"),
        "help" | "dir" => format!("?{value}"),
        "type" => format!(":type {value}"),
        "exit" | "quit" => "the Kernel menu restarts or shuts down the kernel".into(),
        _ => return None,
    })
}

/// Programs that users of other notebooks call without a mark.
pub(super) fn is_program(name: &str) -> bool {
    const PROGRAMS: [&str; 26] = [
        "apt",
        "apt-get",
        "cargo",
        "cat",
        "cd",
        "conda",
        "cp",
        "curl",
        "df",
        "du",
        "echo",
        "free",
        "git",
        "grep",
        "head",
        "ls",
        "mkdir",
        "mv",
        "nvidia-smi",
        "pip",
        "pip3",
        "pwd",
        "python",
        "python3",
        "tail",
        "wget",
    ];
    PROGRAMS.contains(&name)
}

/// The equivalent of a statement, by its first word.
pub(super) fn statement(word: &str) -> Option<&'static str> {
    Some(match word {
        "def" => "fn double(x: f64) -> f64 { x * 2.0 }",
        "class" => "struct Point { x: f64 } with methods in impl Point { .. }",
        "if" | "elif" | "else" => "if x > 0 { .. } else { .. }",
        "for" => "for i in 0..10 { .. }",
        "while" => "while x > 0 { .. }",
        "with" => "a plain `let`: a file is closed at the end of its scope",
        "try" | "except" | "finally" => {
            "an error leaves the cell by `?`: let text = std::fs::read_to_string(\"file\")?;"
        }
        "lambda" => "|x| x + 1",
        "del" => "drop(x);",
        "assert" => "assert!(x > 0);",
        "raise" => "return Err(..) in a function, or panic!(\"reason\")",
        "print" => "println!(\"{x:?}\")",
        "global" | "nonlocal" => {
            "functions take values as arguments: fn f(x: &mut f64) { *x += 1.0 }"
        }
        "not" => "!x",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalents_contain_the_argument() {
        let call = |name, argument| function(name, argument).unwrap();
        assert_eq!(call("print", "\"a\""), "println!(\"a\")");
        assert_eq!(call("print", "x"), "println!(\"{x:?}\")");
        assert_eq!(call("print", "x + 1"), "println!(\"{:?}\", x + 1)");
        assert_eq!(call("print", "1"), "println!(\"{:?}\", 1)");
        assert_eq!(call("len", "v"), "v.len()");
        assert_eq!(function("encode", "x"), None);
        assert!(magic("time").contains("Instant") && magic("no such").contains(":help"));
        assert!(module("numpy").is_some() && statement("def").is_some() && is_program("pip"));
    }
}
