//! Bytes as the database stores them: compressed where that pays.

use super::codec::DecodeError;

/// As it is.
const PLAIN: i64 = 0;
/// LZ4, the length before it.
const LZ4: i64 = 1;
/// Below this, compression is not tried.
const WORTH_IT: usize = 512;
/// LZ4 does not expand its input by more than this factor.
const MOST_EXPANSION: usize = 256;

/// The codec and the bytes to be stored.
pub(super) fn pack(bytes: Vec<u8>) -> (i64, Vec<u8>) {
    if bytes.len() < WORTH_IT {
        return (PLAIN, bytes);
    }
    let packed = lz4_flex::compress_prepend_size(&bytes);
    if packed.len() < bytes.len() / 8 * 7 {
        (LZ4, packed)
    } else {
        (PLAIN, bytes)
    }
}

/// What [`pack`] was given.
pub(super) fn unpack(codec: i64, stored: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match codec {
        PLAIN => Ok(stored.to_vec()),
        LZ4 => {
            let (length, _) = stored.split_at_checked(4).ok_or(DecodeError::Malformed)?;
            let length = length.try_into().map_err(|_| DecodeError::Malformed)?;
            let length = u32::from_le_bytes(length) as usize;
            if length > stored.len().saturating_mul(MOST_EXPANSION) {
                return Err(DecodeError::Malformed);
            }
            lz4_flex::decompress_size_prepended(stored).map_err(|_| DecodeError::Malformed)
        }
        _ => Err(DecodeError::Newer),
    }
}

/// A checksum by which a changed byte is noticed.
pub(super) fn checksum(stored: &[u8]) -> i64 {
    let hash = blake3::hash(stored);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}
