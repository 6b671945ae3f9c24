//! Places in a document.

use crate::plan::Segment;

/// The way to a part of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Vec<Segment>);

impl Place {
    /// The member of this name.
    pub(super) fn field(&self, name: &str) -> Self {
        self.with(Segment::Field(name.into()))
    }

    /// The element at this position, from 0.
    pub(super) fn item(&self, at: usize) -> Self {
        self.with(Segment::Index(i64::try_from(at).unwrap_or(i64::MAX)))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut path = self.0.clone();
        path.push(segment);
        Self(path)
    }

    pub(super) fn path(&self) -> &[Segment] {
        &self.0
    }
}
