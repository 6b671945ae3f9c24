//! Records of a CSV file (RFC 4180), one after another.

use std::io::{self, BufRead};

/// A record with the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub line: u64,
    pub fields: Vec<Vec<u8>>,
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(super) enum CsvFault {
    /// The file cannot be read.
    Io(io::Error),
    /// The record is larger than is allowed; what follows it can be read.
    TooLarge,
    /// A quotation mark is not closed before the end of the file.
    Unclosed,
}

/// Reads the next record, of at most `most` bytes; `None` at the end. `line` counts the lines read so far. Empty lines are
/// passed over.
pub(super) fn next_record(
    from: &mut impl BufRead,
    line: &mut u64,
    most: usize,
) -> Option<Result<Record, (u64, CsvFault)>> {
    loop {
        let begin = *line + 1;
        let mut fields = vec![Vec::new()];
        let (mut size, mut in_quotes, mut was_quoted, mut any) = (0_usize, false, false, false);
        loop {
            let byte = match next_byte(from) {
                Err(error) => return Some(Err((begin, CsvFault::Io(error)))),
                Ok(None) if in_quotes => return Some(Err((begin, CsvFault::Unclosed))),
                Ok(None) => break,
                Ok(Some(byte)) => byte,
            };
            any = true;
            size += 1;
            if byte == b'\n' {
                *line += 1;
            }
            let Some(field) = fields.last_mut() else {
                break;
            };
            match byte {
                b'"' if in_quotes => {
                    if peek(from) == Some(b'"') {
                        from.consume(1);
                        field.push(b'"');
                    } else {
                        in_quotes = false;
                    }
                }
                b'"' if field.is_empty() && !was_quoted => (in_quotes, was_quoted) = (true, true),
                b',' if !in_quotes => {
                    fields.push(Vec::new());
                    was_quoted = false;
                }
                b'\r' if !in_quotes && peek(from) == Some(b'\n') => {}
                b'\n' if !in_quotes => break,
                byte if size <= most => field.push(byte),
                _ => {}
            }
        }
        if !any {
            return None;
        }
        if fields.len() == 1 && fields[0].is_empty() && !was_quoted {
            continue;
        }
        if size > most {
            return Some(Err((begin, CsvFault::TooLarge)));
        }
        return Some(Ok(Record {
            line: begin,
            fields,
        }));
    }
}

fn peek(from: &mut impl BufRead) -> Option<u8> {
    from.fill_buf().ok()?.first().copied()
}

fn next_byte(from: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = from.fill_buf()?.first().copied();
    if byte.is_some() {
        from.consume(1);
    }
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<(u64, Vec<String>), (u64, String)>;

    fn records(text: &str) -> Vec<Read> {
        let (mut from, mut line) = (text.as_bytes(), 0);
        let mut all = Vec::new();
        while let Some(next) = next_record(&mut from, &mut line, 40) {
            all.push(match next {
                Ok(record) => {
                    let fields = record.fields.into_iter();
                    let fields = fields.map(|field| String::from_utf8(field).unwrap());
                    Ok((record.line, fields.collect()))
                }
                Err((line, fault)) => Err((line, format!("{fault:?}"))),
            });
        }
        all
    }

    #[test]
    fn quotes_commas_line_breaks_and_empty_lines() {
        let text = "a,b\r\n\"x, \"\"y\"\"\",\n\n\"two\nlines\",z\nlast,";
        let ok = |line: u64, fields: [&str; 2]| Ok((line, fields.map(str::to_owned).to_vec()));
        let expected = [
            ok(1, ["a", "b"]),
            ok(2, ["x, \"y\"", ""]),
            ok(4, ["two\nlines", "z"]),
            ok(6, ["last", ""]),
        ];
        assert_eq!(records(text), expected);
    }

    #[test]
    fn what_is_too_large_or_not_closed_is_named_and_the_rest_is_read() {
        let text = format!("a\n{}\nb\n\"c", "x".repeat(50));
        let found = records(&text);
        assert_eq!(found.len(), 4);
        assert_eq!(found[1], Err((2, "TooLarge".to_owned())));
        assert_eq!(found[2], Ok((3, vec!["b".to_owned()])));
        assert_eq!(found[3], Err((4, "Unclosed".to_owned())));
    }
}
