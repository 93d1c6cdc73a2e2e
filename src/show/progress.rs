//! Progress bar of a loop.

use crate::cell::stopped;
use crate::show::content::Content;
use crate::show::display::{Handle, note, show};
use crate::show::format::duration;
use crate::show::frontend::Frontend;
use crate::show::pace::{Mark, Pace};
use crate::show::status_line::UPDATE_EVERY;
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Width of a bar in characters.
const BAR_WIDTH: usize = 24;

/// Wraps the items of a loop and renders a progress bar: `for x in progress(0..100) { ... }`.
///
/// Stop ends the loop at the next item. In a terminal the bar is drawn on standard error; without a
/// terminal only the final line is printed.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let sum: u64 = progress(1..=100).sum();
/// assert_eq!(sum, 5050);
/// ```
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    let items = items.into_iter();
    let (lower, upper) = items.size_hint();
    let total = upper.filter(|upper| *upper == lower);
    Progress {
        items,
        total,
        done: 0,
        start: Instant::now(),
        pace: Pace::default(),
        last_update: None,
        handle: None,
        ended: false,
    }
}

/// Iterator with a progress bar. Returned by [`progress`].
#[derive(Debug)]
pub struct Progress<I> {
    items: I,
    /// Number of items, if the iterator knows it.
    total: Option<usize>,
    done: usize,
    start: Instant,
    pace: Pace,
    last_update: Option<Instant>,
    handle: Option<Handle>,
    ended: bool,
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.done == 1 {
            self.pace.step(self.now());
        }
        let item = if stopped() { None } else { self.items.next() };
        match item {
            Some(_) => {
                if self
                    .last_update
                    .is_none_or(|last| last.elapsed() >= UPDATE_EVERY)
                {
                    self.last_update = Some(Instant::now());
                    self.render();
                }
                self.done += 1;
            }
            None if !self.ended => {
                self.ended = true;
                self.render();
            }
            None => {}
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I> Progress<I> {
    fn now(&self) -> Mark {
        Mark {
            done: self.done as f64,
            seconds: self.start.elapsed().as_secs_f64(),
        }
    }

    fn text(&self) -> String {
        let now = self.now();
        let mut text = match self.total {
            Some(total) => format!(
                "{}  {}/{total}",
                bar(self.done as f64 / total.max(1) as f64),
                self.done
            ),
            None => format!("{} done", self.done),
        };
        text.push_str(&format!("  {}", duration(now.seconds)));
        let left = self
            .total
            .and_then(|total| self.pace.seconds_left(now, total as f64));
        if let (Some(left), false) = (left, self.ended) {
            text.push_str(&format!(", {} left", duration(left)));
        }
        if self.ended && self.total.is_some_and(|total| self.done < total) {
            text.push_str(", stopped");
        }
        text
    }

    fn render(&mut self) {
        let text = self.text();
        match Frontend::current() {
            Frontend::Candlebook => match &self.handle {
                Some(handle) => handle.update(Content::text(text)),
                None => self.handle = Some(show(Content::text(text))),
            },
            // A failed write means that nobody reads the terminal.
            _ if std::io::stderr().is_terminal() => {
                let end = if self.ended { "\n" } else { "   " };
                let _ = write!(std::io::stderr(), "\r{text}{end}");
            }
            _ if self.ended => note(text),
            _ => {}
        }
    }
}

/// A bar of 24 characters, filled to `fraction` in [0, 1].
pub(crate) fn bar(fraction: f64) -> String {
    let full = ((fraction * BAR_WIDTH as f64) as usize).min(BAR_WIDTH);
    "█".repeat(full) + &"░".repeat(BAR_WIDTH - full)
}
