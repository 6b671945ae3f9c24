//! The token of a run that listens on the network.

use std::fmt::Write as _;

/// A secret that a request has to carry. It is kept hashed; hashes are compared in constant time.
#[derive(Clone, Debug)]
pub(super) struct Token(blake3::Hash);

impl Token {
    /// A new token, and its text.
    pub(super) fn new() -> Result<(Self, String), getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let text = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok((Self::of(&text), text))
    }

    /// The token with this text.
    pub(super) fn of(text: &str) -> Self {
        Self(blake3::hash(text.as_bytes()))
    }

    /// Whether an `Authorization` header carries it.
    pub(super) fn is_in(&self, header: Option<&str>) -> bool {
        let given = header.and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
        given.is_some_and(|token| Self::of(token).0 == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let (token, text) = Token::new().unwrap();
        assert_eq!(text.len(), 64);
        assert!(token.is_in(Some(&format!("Bearer {text}"))));
        assert!(token.is_in(Some(&format!("bearer  {text}"))));
        for wrong in ["", "Bearer ", "Bearer x", &text, &format!("Basic {text}")] {
            assert!(!token.is_in(Some(wrong)), "{wrong}");
        }
        assert!(!token.is_in(None));
        assert_ne!(Token::new().unwrap().1, text);
    }
}
