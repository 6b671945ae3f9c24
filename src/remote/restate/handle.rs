//! The handle of a call: the name under which the engine can be asked about it.

use std::fmt::Write as _;

/// What a handle begins with.
const PREFIX: &str = "restate:";

/// The handle of a call: the idempotency key of its invocation, and the mark that the engine had been given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub key: String,
    pub mark: String,
}

impl Handle {
    /// The handle of the `time`th call, from 1, under this name: it is made again where the user has decided so.
    pub(super) fn new(name: &str, time: u32, mark: &str) -> Self {
        let mut key = key_of(name);
        if time > 1 {
            // No encoded byte begins so.
            let _ = write!(key, "~n{time}");
        }
        Self {
            key,
            mark: mark.to_owned(),
        }
    }

    /// Reads a handle; `None` where it is another server's.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (key, mark) = text.strip_prefix(PREFIX)?.split_once("?mark=")?;
        Some(Self {
            key: key.to_owned(),
            mark: mark.to_owned(),
        })
    }

    /// As it is put on record.
    pub(super) fn to_text(&self) -> String {
        format!("{PREFIX}{}?mark={}", self.key, self.mark)
    }
}

/// A name as an idempotency key. The server takes keys out of paths as they stand there, percent signs included, so a key
/// has only characters that need none: `/` becomes `:`, and what is left over `~` and two digits for each byte.
fn key_of(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'/' => key.push(':'),
            b'-' | b'.' | b'_' => key.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => key.push(char::from(byte)),
            _ => {
                let _ = write!(key, "~{byte:02X}");
            }
        }
    }
    key
}

/// The name and the time that a key was made of; `None` where it is no such key.
pub(super) fn name_of(key: &str) -> Option<(String, u32)> {
    let (key, time) = match key.rsplit_once("~n") {
        Some((key, time)) => (key, time.parse().ok()?),
        None => (key, 1),
    };
    let mut name = Vec::with_capacity(key.len());
    let mut bytes = key.bytes();
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b':' => b'/',
            b'~' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    Some((String::from_utf8(name).ok()?, time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_has_a_key_of_its_own_that_fits_a_path(name in ".*", other in ".*", time in 1u32..4) {
            let handle = Handle::new(&name, time, "mark-1");
            prop_assert_eq!(Handle::read(&handle.to_text()), Some(handle.clone()));
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
            prop_assert!(handle.key.bytes().all(plain));
            prop_assert_eq!(handle.key == Handle::new(&other, time, "m").key, name == other);
            prop_assert_ne!(&handle.key, &Handle::new(&name, time + 1, "m").key);
            prop_assert_eq!(name_of(&handle.key), Some((name, time)));
        }
    }

    #[test]
    fn people_can_read_a_key() {
        assert_eq!(
            Handle::new("run-1/a[2]/1", 1, "m").to_text(),
            "restate:run-1:a~5B2~5D:1?mark=m"
        );
        assert_eq!(Handle::read("task-17"), None);
    }
}
