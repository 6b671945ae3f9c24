//! The two forms that records have.

/// A type whose fields follow one another.
macro_rules! record {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl Codec for $type {
            fn put(&self, out: &mut Encoder) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }
            fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok(Self { $($field: input.field()?),* })
            }
        }
    };
}

/// An enumeration: a number, then the fields of the variant.
macro_rules! choice {
    ($type:ident { $($number:literal $variant:ident { $($field:tt: $name:ident),* }),* $(,)? }) => {
        impl Codec for $type {
            fn put(&self, out: &mut Encoder) {
                match self {
                    $(Self::$variant { $($field: $name),* } => {
                        out.byte($number);
                        $($name.put(out);)*
                    })*
                }
            }
            fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                match input.raw.byte()? {
                    $($number => Ok(Self::$variant { $($field: input.field()?),* }),)*
                    _ => Err(DecodeError::Newer),
                }
            }
        }
    };
}
