//! The few wire types of Protocol Buffers that an event file needs.
//!
//! Protocol Buffers documentation, "Encoding": a message is a list of fields, each a tag
//! (`number << 3 | wire type`) and a value.

/// Wire types.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// A message under construction.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Adds an integer (`int64`, or an enum).
    pub(super) fn integer(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | VARINT);
        self.varint(value);
        self
    }

    /// Adds a `double`.
    pub(super) fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | FIXED_64);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a `float`.
    pub(super) fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | FIXED_32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a text or bytes.
    pub(super) fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.varint(field << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// Adds a message.
    pub(super) fn message(self, field: u64, message: Message) -> Self {
        self.bytes(field, message.0)
    }

    /// The encoded message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Seven bits a byte, the lowest first; the eighth bit says that another byte follows.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_bytes_of_the_documentation() {
        // "Encoding": message Test1 { int32 a = 1; } with a = 150; Test2 { string b = 2; } with
        // b = "testing"; Test3 { Test1 c = 3; }.
        let test1 = || Message::default().integer(1, 150);
        assert_eq!(test1().into_bytes(), [0x08, 0x96, 0x01]);
        let test2 = Message::default().bytes(2, "testing");
        assert_eq!(test2.into_bytes(), *b"\x12\x07testing");
        let test3 = Message::default().message(3, test1());
        assert_eq!(test3.into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn floating_point_numbers_are_little_endian() {
        let message = Message::default().float(2, 1.0).double(1, 1.0);
        let expected = [0x15, 0, 0, 0x80, 0x3f, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
        assert_eq!(message.into_bytes(), expected);
    }
}
