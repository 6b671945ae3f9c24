//! Events as bytes for others: what a process that has no store of its own sends, and the one that records it reads.
//!
//! They are the records of the journal, without large contents moved out of them. Pieces follow one another: each was
//! packed after the one before it, and is unpacked after it.

use super::codec::{
    DecodeError, Decoder, Encoder, Memory, NoBlobs, decode_event, encode_event, learn_event,
    remember_event,
};
use super::pack::{pack, unpack};
use crate::run::RunEvent;
use crate::units::Micros;

/// The bytes before a piece: the length of what follows, how it is compressed, and the number of its first event.
const HEAD: usize = 4 + 1 + 8;

/// Packs the events of a run.
#[derive(Debug)]
pub struct EventPacker(Encoder);

impl EventPacker {
    /// Packs what follows these events.
    pub fn after(events: &[RunEvent]) -> Self {
        let mut encoder = Encoder::in_one_piece();
        for event in events {
            learn_event(event, &mut encoder);
        }
        Self(encoder)
    }

    /// The events as a piece; no bytes where there are none.
    pub fn pack(&mut self, events: &[RunEvent]) -> Vec<u8> {
        let Some(first) = events.first() else {
            return Vec::new();
        };
        let mut before = Micros(0);
        for event in events {
            encode_event(event, before, &mut self.0);
            before = event.at;
        }
        let (codec, data) = pack(std::mem::take(&mut self.0.out));
        let mut piece = Vec::with_capacity(HEAD + data.len());
        piece.extend_from_slice(&(data.len() as u32).to_le_bytes());
        piece.push(codec as u8);
        piece.extend_from_slice(&first.seq.to_le_bytes());
        piece.extend_from_slice(&data);
        piece
    }
}

/// Unpacks the events of a run.
#[derive(Debug, Default)]
pub struct EventUnpacker(Memory);

impl EventUnpacker {
    /// Unpacks what follows these events.
    pub fn after(events: &[RunEvent]) -> Self {
        let mut memory = Memory::default();
        for event in events {
            remember_event(event, &mut memory);
        }
        Self(memory)
    }

    /// The number of the first event of these pieces; `None` where there is none.
    pub fn first(pieces: &[u8]) -> Option<u64> {
        let number = pieces.get(HEAD - 8..HEAD)?;
        Some(u64::from_le_bytes(number.try_into().ok()?))
    }

    /// The events of the next pieces.
    ///
    /// # Errors
    /// Where the bytes are not what an [`EventPacker`] gives, or of a newer version.
    pub fn unpack(&mut self, mut pieces: &[u8]) -> Result<Vec<RunEvent>, DecodeError> {
        let mut events = Vec::new();
        while !pieces.is_empty() {
            let (head, rest) = pieces
                .split_at_checked(HEAD)
                .ok_or(DecodeError::Malformed)?;
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let (data, rest) = rest
                .split_at_checked(length as usize)
                .ok_or(DecodeError::Malformed)?;
            let first = head[5..].try_into().map_err(|_| DecodeError::Malformed)?;
            let data = unpack(i64::from(head[4]), data)?;
            let (mut seq, mut before) = (u64::from_le_bytes(first), Micros(0));
            let mut blobs = NoBlobs;
            let mut decoder = Decoder::new(&data, &mut self.0, &mut blobs);
            while !decoder.is_empty() {
                let event = decode_event(seq, before, &mut decoder)?;
                before = event.at;
                seq += 1;
                events.push(event);
            }
            pieces = rest;
        }
        Ok(events)
    }
}
