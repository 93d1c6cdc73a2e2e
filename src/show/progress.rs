//! Progress of any loop: a bar that moves in place.

use crate::cell::stopped;
use crate::show::display::{Content, Frontend, Handle, show};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a page is changed, at most.
pub(crate) const UPDATE_EVERY: Duration = Duration::from_millis(200);
/// Width of a bar in characters.
const BAR: usize = 24;

/// The items of a loop, with a bar under the cell that says how far it is: `for x in progress(0..100) { ... }`.
///
/// Stop ends the loop at the next item. In a terminal the bar moves on standard error; where nobody looks, only the last
/// line is printed.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let sum: u64 = progress(1..=100).sum();
/// assert_eq!(sum, 5050);
/// ```
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    let items = items.into_iter();
    let (least, most) = items.size_hint();
    let total = most.filter(|most| *most == least);
    Progress {
        items,
        total,
        done: 0,
        start: Instant::now(),
        last: None,
        handle: None,
        ended: false,
    }
}

/// An iterator that shows how far it is. Made by [`progress`].
#[derive(Debug)]
pub struct Progress<I> {
    items: I,
    /// How many items there are, where the iterator knows.
    total: Option<usize>,
    done: usize,
    start: Instant,
    last: Option<Instant>,
    handle: Option<Handle>,
    ended: bool,
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = if stopped() { None } else { self.items.next() };
        match item {
            Some(_) => {
                if self.last.is_none_or(|last| last.elapsed() >= UPDATE_EVERY) {
                    self.last = Some(Instant::now());
                    self.tell(false);
                }
                self.done += 1;
            }
            None if !self.ended => {
                self.ended = true;
                self.tell(true);
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
    fn text(&self, ended: bool) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let speed = self.done as f64 / elapsed.max(1e-9);
        let mut text = match self.total {
            Some(total) => format!(
                "{}  {}/{total}",
                bar(self.done as f64 / total.max(1) as f64),
                self.done
            ),
            None => format!("{} done", self.done),
        };
        text.push_str(&format!("  {}", duration(elapsed)));
        if let (Some(total), false) = (self.total.filter(|_| self.done > 0), ended) {
            text.push_str(&format!(
                ", {} left",
                duration((total.saturating_sub(self.done)) as f64 / speed)
            ));
        }
        if ended && self.total.is_some_and(|total| self.done < total) {
            text.push_str(", stopped");
        }
        text
    }

    fn tell(&mut self, ended: bool) {
        let text = self.text(ended);
        match Frontend::current() {
            Frontend::Candlebook => match &self.handle {
                Some(handle) => handle.update(Content::text(text)),
                None => self.handle = Some(show(Content::text(text))),
            },
            // A line that is gone when nobody can read it is no loss.
            _ if std::io::stderr().is_terminal() => {
                let _ = write!(
                    std::io::stderr(),
                    "\r{text}{}",
                    if ended { "\n" } else { "   " }
                );
            }
            _ if ended => println!("{text}"),
            _ => {}
        }
    }
}

/// A line about work that may be quick: it appears after half a second, and then changes five times a second.
#[derive(Debug)]
pub(crate) struct Line {
    shown: Option<Handle>,
    last: Instant,
}

impl Line {
    pub(crate) fn new() -> Self {
        Line {
            shown: None,
            last: Instant::now(),
        }
    }

    /// How far the work is.
    pub(crate) fn at(&mut self, text: impl FnOnce() -> String) {
        let wait = if self.shown.is_none() {
            Duration::from_millis(500)
        } else {
            UPDATE_EVERY
        };
        if self.last.elapsed() >= wait {
            self.last = Instant::now();
            self.write(text());
        }
    }

    /// What came of it, where a line is there.
    pub(crate) fn done(&mut self, text: impl FnOnce() -> String) {
        if self.shown.is_some() {
            self.write(text());
        }
    }

    fn write(&mut self, text: String) {
        match &self.shown {
            Some(line) => line.update(Content::text(text)),
            None => self.shown = Some(show(Content::text(text))),
        }
    }
}

/// Prints a line of plain text.
pub(crate) fn print_line(text: &str) {
    println!("{text}");
}

/// A bar of 24 characters, for a share in [0, 1].
pub(crate) fn bar(share: f64) -> String {
    let full = ((share * BAR as f64) as usize).min(BAR);
    "█".repeat(full) + &"░".repeat(BAR - full)
}

/// Seconds as people say them: 0.4 s, 12 s, 3 min 05 s, 2 h 05 min.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}
