//! The optimization level of each cell.

use super::code::has_many_values;

/// Chooses the optimization level of cells. The libraries that cells call are already optimized;
/// most cells only call them, and compile twice as fast without optimization. Cells with loops are
/// worth the wait.
#[derive(Debug, Default)]
pub(super) struct Optimization {
    /// The current level of builds, once set.
    level: Option<u8>,
    /// True once a cell has defined a function, which may loop or recurse: later cells may call it,
    /// and each of them compiles it again.
    defines_functions: bool,
    /// True once the user has chosen a level by `:opt`.
    set_by_user: bool,
}

/// Code fragments of cells that loop.
const LOOPS: [&str; 9] = [
    "for ",
    "while ",
    "loop ",
    "loop{",
    ".map(",
    ".fold(",
    ".for_each(",
    ".sum",
    ".zip(",
];

impl Optimization {
    /// The level for a cell, if it differs from the current one.
    pub(super) fn change_for(&mut self, code: &str) -> Option<u8> {
        if let Some(level) = code
            .lines()
            .find_map(|line| line.trim().strip_prefix(":opt"))
        {
            self.set_by_user = true;
            let level = level.trim().parse().unwrap_or(2);
            return (self.level.replace(level) != Some(level)).then_some(level);
        }
        if self.set_by_user {
            return None;
        }
        let function = code.contains("fn ");
        let computes = function || LOOPS.iter().any(|mark| code.contains(mark));
        self.defines_functions |= function;
        let level = if (computes || self.defines_functions) && !has_many_values(code) {
            2
        } else {
            0
        };
        (self.level.replace(level) != Some(level)).then_some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_loops_are_optimized_and_others_compile_fast() {
        let mut optimization = Optimization::default();
        assert_eq!(optimization.change_for("let data = mnist()?;"), Some(0));
        assert_eq!(optimization.change_for("data"), None);
        assert_eq!(
            optimization.change_for("for i in 0..3 { println!(\"{i}\"); }"),
            Some(2)
        );
        assert_eq!(optimization.change_for("data"), Some(0));
        // A function with a loop is compiled into every cell after it.
        assert_eq!(optimization.change_for("fn f() {}"), Some(2));
        assert_eq!(optimization.change_for("f()"), None);
        let values = format!("let v = [{}].iter().sum();", "1,".repeat(3000));
        assert_eq!(optimization.change_for(&values), Some(0));
        let mut chosen = Optimization::default();
        assert_eq!(chosen.change_for(":opt 1"), Some(1));
        assert_eq!(chosen.change_for("for i in 0..3 {}"), None);
    }
}
