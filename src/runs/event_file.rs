//! TensorBoard's event files: TFRecords, each with an `Event` message.
//!
//! A record is its length, the length's checksum, the data, the data's checksum. Field numbers are
//! those of `event.proto`, `summary.proto` and `tensor.proto` in TensorBoard's repository.

use super::crc32c::masked_crc32c;
use super::protobuf::Message;

/// Version of the format, the first event of each file.
const VERSION: &str = "brain.Event:2";

/// `DataType::DT_STRING` of `types.proto`.
const STRING: u64 = 7;

/// An event file under construction.
#[derive(Debug)]
pub(super) struct EventFile {
    bytes: Vec<u8>,
}

impl EventFile {
    /// A file without summaries, at a time in seconds since 1970.
    pub(super) fn new(time: f64) -> Self {
        let mut file = EventFile { bytes: Vec::new() };
        file.record(Message::default().double(1, time).bytes(3, VERSION));
        file
    }

    /// Adds numbers of one step under their tags.
    pub(super) fn scalars(&mut self, time: f64, step: u64, scalars: &[(String, f32)]) {
        let summary = scalars
            .iter()
            .fold(Message::default(), |summary, (tag, value)| {
                summary.message(1, Message::default().bytes(1, tag).float(2, *value))
            });
        self.summary(time, step, summary);
    }

    /// Adds a text, which TensorBoard renders as Markdown.
    pub(super) fn text(&mut self, time: f64, tag: &str, text: &str) {
        let plugin = Message::default().bytes(1, "text");
        let shape = Message::default().message(2, Message::default().integer(1, 1));
        let tensor = Message::default()
            .integer(1, STRING)
            .message(2, shape)
            .bytes(8, text);
        let value = Message::default()
            .bytes(1, tag)
            .message(8, tensor)
            .message(9, Message::default().message(1, plugin));
        self.summary(time, 0, Message::default().message(1, value));
    }

    /// The file.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn summary(&mut self, time: f64, step: u64, summary: Message) {
        let event = Message::default().double(1, time).integer(2, step);
        self.record(event.message(5, summary));
    }

    fn record(&mut self, event: Message) {
        let data = event.into_bytes();
        let length = (data.len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(masked_crc32c(&length).to_le_bytes());
        self.bytes.extend(&data);
        self.bytes.extend(masked_crc32c(&data).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_bytes_that_tensorboard_writes() {
        // from tensorboard.compat.proto.event_pb2 import Event
        // from tensorboard.compat.proto.summary_pb2 import Summary
        // from tensorboard.summary.writer.record_writer import RecordWriter
        // w = RecordWriter(open("f", "wb"))
        // w.write(Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString())
        // value = Summary.Value(tag="loss/train", simple_value=0.25)
        // w.write(Event(wall_time=2, step=3, summary=Summary(value=[value])).SerializeToString())
        // w.flush(); print(open("f", "rb").read().hex())
        let expected = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c\
                        200000000000000029eda95009000000000000004010032a130a110a0a6c6f73732f747261696e150000803ed0baddf6";
        let mut file = EventFile::new(1.5);
        file.scalars(2.0, 3, &[("loss/train".into(), 0.25)]);
        let hex: String = file
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected);
    }
}
