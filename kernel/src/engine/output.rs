//! The cell's output as the engine itself writes it, beside the relay.

use super::event::{Event, Sink};
use std::sync::{Arc, Mutex, PoisonError};

/// Sends events to the sink that the relay uses too.
#[derive(Clone)]
pub(super) struct Output {
    sink: Arc<Mutex<Sink>>,
}

impl Output {
    /// Shares a sink: an output, and a sink for the relay.
    pub(super) fn share(sink: Sink) -> (Output, Sink) {
        let output = Output {
            sink: Arc::new(Mutex::new(sink)),
        };
        let of_relay = output.clone();
        (output, Box::new(move |event| of_relay.send(event)))
    }

    /// Sends an event.
    pub(super) fn send(&self, event: Event) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn events_of_both_ends_arrive_in_order() {
        let (sender, events) = channel();
        let (output, mut relay) = Output::share(Box::new(move |event| sender.send(event).unwrap()));
        output.send(Event::Stdout("a".into()));
        relay(Event::Stderr("b".into()));
        let arrived: Vec<Event> = events.try_iter().collect();
        assert_eq!(
            arrived,
            [Event::Stdout("a".into()), Event::Stderr("b".into())]
        );
    }
}
