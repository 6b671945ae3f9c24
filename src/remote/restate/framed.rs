//! A message with bytes: the length of a JSON text, the text, and the bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message, and bytes that go with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Framed<T> {
    pub head: T,
    pub data: Vec<u8>,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameFault {
    /// They are cut off.
    #[error("the message is cut off")]
    Short,
    /// The text says something else.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl<T: Serialize> Framed<T> {
    /// As it is sent.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, FrameFault> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, &self.head)?;
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.data);
        Ok(bytes)
    }
}

impl<T: DeserializeOwned> Framed<T> {
    /// Reads what [`to_bytes`](Self::to_bytes) gives.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, FrameFault> {
        let (length, rest) = bytes.split_at_checked(4).ok_or(FrameFault::Short)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        let (head, data) = rest
            .split_at_checked(length as usize)
            .ok_or(FrameFault::Short)?;
        Ok(Self {
            head: serde_json::from_slice(head)?,
            data: data.to_vec(),
        })
    }
}

#[cfg(feature = "restate")]
mod in_sdk {
    use super::{FrameFault, Framed};
    use bytes::Bytes;
    use restate_sdk::serde::{
        Deserialize, InputMetadata, OutputMetadata, PayloadMetadata, Serialize,
    };
    use serde::de::DeserializeOwned;

    impl<T: serde::Serialize> Serialize for Framed<T> {
        type Error = FrameFault;

        fn serialize(&self) -> Result<Bytes, FrameFault> {
            self.to_bytes().map(Bytes::from)
        }
    }

    impl<T: DeserializeOwned> Deserialize for Framed<T> {
        type Error = FrameFault;

        fn deserialize(bytes: &mut Bytes) -> Result<Self, FrameFault> {
            Self::read(bytes)
        }
    }

    impl<T> PayloadMetadata for Framed<T> {
        fn json_schema() -> Option<serde_json::Value> {
            None
        }

        fn input_metadata() -> InputMetadata {
            <Vec<u8> as PayloadMetadata>::input_metadata()
        }

        fn output_metadata() -> OutputMetadata {
            <Vec<u8> as PayloadMetadata>::output_metadata()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_message_comes_back_as_it_went(head in ".*", data: Vec<u8>, cut: prop::sample::Index) {
            let message = Framed { head, data };
            let bytes = message.to_bytes().unwrap();
            prop_assert_eq!(&Framed::<String>::read(&bytes).unwrap(), &message);
            // What is cut off is a fault, or a message with fewer bytes.
            if let Ok(part) = Framed::<String>::read(&bytes[..cut.index(bytes.len())]) {
                prop_assert_eq!(part.head, message.head);
            }
        }
    }
}
