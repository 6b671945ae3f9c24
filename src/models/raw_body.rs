//! The body of a request or a response as it went over the wire, in little memory: compressed while it arrives, and
//! bounded to its beginning and its end.

use std::fmt::Write;

/// The maximum of a body's beginning that is kept, in bytes.
const MAX_BEGINNING: usize = 4 << 20;

/// The maximum of a longer body's end that is kept, in bytes: usage and errors stand there.
const MAX_END: usize = 64 << 10;

/// How much is compressed at once, in bytes.
const BLOCK: usize = 8 << 10;

/// A body without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBody {
    /// The beginning, in compressed blocks.
    blocks: Vec<Vec<u8>>,
    /// What follows them.
    open: String,
    /// The bytes of both before compression.
    beginning: usize,
    /// The end of what is longer.
    end: String,
    left_out: u64,
    bytes: u64,
}

impl RawBody {
    /// Adds text without secrets.
    pub(super) fn push(&mut self, text: &str) {
        let room = MAX_BEGINNING - self.beginning;
        let (first, rest) = text.split_at(text.floor_char_boundary(room));
        // A character that does not fit whole fills the room.
        self.beginning = if rest.is_empty() {
            self.beginning + first.len()
        } else {
            MAX_BEGINNING
        };
        let mut left = first;
        while !left.is_empty() {
            let room = left.floor_char_boundary(BLOCK - self.open.len());
            let (piece, more) = left.split_at(room);
            // By itself it would grow to twice a block.
            if self.open.len() + piece.len() > BLOCK / 4 {
                self.open.reserve_exact(BLOCK - self.open.len());
            }
            self.open.push_str(piece);
            left = more;
            // A character that does not fit whole begins the next block.
            if self.open.len() == BLOCK || !left.is_empty() {
                let block = lz4_flex::compress_prepend_size(self.open.as_bytes());
                self.blocks.push(block);
                self.open.clear();
            }
        }
        self.end.push_str(rest);
        // Now and then, so that little is moved.
        if self.end.len() > 2 * MAX_END {
            self.cut_end();
        }
    }

    /// Counts bytes that went over the wire.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    fn cut_end(&mut self) {
        let cut = self.end.ceil_char_boundary(self.end.len() - MAX_END);
        self.end.drain(..cut);
        self.left_out += cut as u64;
    }

    /// How many bytes went over the wire. The text has others where a secret was replaced.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes in the middle of the text are left out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The text. Where it is too long, a line in brackets stands for what is left out.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.beginning + self.end.len());
        for block in &self.blocks {
            let bytes = lz4_flex::decompress_size_prepended(block).unwrap_or_default();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text.push_str(&self.open);
        if self.left_out > 0 {
            let _ = write!(text, "\n[{} bytes are left out]\n", self.left_out);
        }
        text.push_str(&self.end);
        text
    }

    /// Has the text of another one, of the same bytes on the wire.
    pub(super) fn replace(&mut self, other: Self) {
        *self = Self {
            bytes: self.bytes,
            left_out: self.left_out + other.left_out,
            ..other
        };
    }

    /// Ends it: nothing more comes.
    pub(super) fn close(&mut self) {
        if self.end.len() > MAX_END {
            self.cut_end();
        }
        self.open.shrink_to_fit();
        self.end.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: &[&str]) -> RawBody {
        let mut body = RawBody::default();
        for piece in pieces {
            body.push(piece);
            body.count(piece.len());
        }
        body.close();
        body
    }

    #[test]
    fn what_is_put_in_comes_out_and_takes_little() {
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"grün \"}}]}\n\n";
        let many = vec![event; 6_000];
        let whole = body(&many);
        assert_eq!(whole.text(), many.concat());
        assert_eq!(
            (whole.bytes() as usize, whole.left_out()),
            (many.concat().len(), 0)
        );
        let kept: usize = whole.blocks.iter().map(Vec::len).sum();
        assert!(kept < many.concat().len() / 20, "{kept}");
        assert_eq!(body(&[]).text(), "");
        // However it arrives.
        let text = many.concat();
        assert_eq!(body(&[&text]).text(), text);
    }

    #[test]
    fn a_long_one_is_its_beginning_and_its_end() {
        let piece = "é".repeat(50_000);
        let mut pieces = vec!["x", piece.as_str()];
        pieces.resize(200, piece.as_str());
        pieces.push("the usage");
        let long = body(&pieces);
        let text = long.text();
        assert_eq!(long.bytes() as usize, pieces.concat().len());
        assert!(text.starts_with("xé") && text.ends_with("éthe usage"));
        assert!(text.len() < MAX_BEGINNING + MAX_END + 100);
        let words = format!("[{} bytes are left out]", long.left_out());
        let kept = text.replacen(&format!("\n{words}\n"), "", 1);
        assert_eq!(kept.len() as u64 + long.left_out(), long.bytes());
        // Later ones do not come back into the beginning.
        assert_eq!(text.matches("the usage").count(), 1);
    }
}
