//! What a request to a model says besides its model and its prompt.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The temperature of a request to a model: how far equal requests may be answered differently. From 0, at which they are
/// answered as equally as the model can, to 2, in steps of a thousandth. As JSON: a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Temperature(u16);

/// Why something is no temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a temperature is a number from 0 to 2 with at most three decimals")]
pub struct NoTemperature;

impl Temperature {
    /// The one at which models are asked where nothing else is said.
    pub const DEFAULT: Self = Self(0);
    /// The highest, in thousandths.
    const MOST: u16 = 2000;

    /// The temperature of so many thousandths.
    ///
    /// # Errors
    /// Where that is above 2.
    pub fn from_thousandths(thousandths: u64) -> Result<Self, NoTemperature> {
        let small = u16::try_from(thousandths).ok();
        small
            .filter(|small| *small <= Self::MOST)
            .map(Self)
            .ok_or(NoTemperature)
    }

    /// In thousandths.
    pub fn thousandths(self) -> u64 {
        self.0.into()
    }

    /// The nearest temperature to this number.
    ///
    /// # Errors
    /// Where there is none, or it has more than three decimals.
    pub fn from_number(number: f64) -> Result<Self, NoTemperature> {
        let scaled = number * 1e3;
        let near = scaled.round();
        let is_one = (0.0..=f64::from(Self::MOST)).contains(&near) && (scaled - near).abs() < 1e-6;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it has just been found to fit"
        )]
        is_one.then_some(Self(near as u16)).ok_or(NoTemperature)
    }

    /// As a number.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 1e3
    }

    /// Whether it is that at which models are asked where nothing else is said.
    pub fn is_default(self) -> bool {
        self == Self::DEFAULT
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

impl FromStr for Temperature {
    type Err = NoTemperature;

    fn from_str(text: &str) -> Result<Self, NoTemperature> {
        let number = text.trim().parse().map_err(|_| NoTemperature)?;
        Self::from_number(number)
    }
}

impl Serialize for Temperature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // 0 and 1 as people write them.
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u16(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Temperature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::from_number(number).map_err(serde::de::Error::custom)
    }
}

/// What a request to a model says besides its model and its prompt; `None` leaves it to whoever is asked next: the tool,
/// then the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelOptions {
    /// The temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// The maximum of tokens in an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl ModelOptions {
    /// Whether it leaves everything to others.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they say nothing `others`.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            temperature: self.temperature.or(others.temperature),
            max_tokens: self.max_tokens.or(others.max_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_is_read_as_it_is_written() {
        for (text, json) in [
            ("0", "0"),
            ("0.7", "0.7"),
            ("1.0", "1"),
            ("2", "2"),
            ("0.125", "0.125"),
        ] {
            let temperature: Temperature = text.parse().unwrap();
            assert_eq!(serde_json::to_string(&temperature).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<Temperature>(json).unwrap(),
                temperature
            );
            assert_eq!(temperature.to_string(), json);
            let kept = Temperature::from_thousandths(temperature.thousandths());
            assert_eq!(kept, Ok(temperature));
        }
        for text in ["", "-0.1", "2.001", "0.1234", "hot", "NaN", "inf"] {
            assert_eq!(text.parse::<Temperature>(), Err(NoTemperature), "{text}");
        }
        assert!(Temperature::from_thousandths(2001).is_err());
        assert!(serde_json::from_str::<Temperature>("3").is_err());
    }

    #[test]
    fn what_is_not_said_is_left_to_others() {
        let (own, others) = (
            ModelOptions {
                temperature: Some(Temperature::DEFAULT),
                max_tokens: None,
            },
            ModelOptions {
                temperature: "1".parse().ok(),
                max_tokens: Some(9),
            },
        );
        let both = own.or(others);
        assert_eq!(
            (both.temperature, both.max_tokens),
            (Some(Temperature::DEFAULT), Some(9))
        );
        assert!(!own.is_empty() && ModelOptions::default().is_empty());
    }
}
