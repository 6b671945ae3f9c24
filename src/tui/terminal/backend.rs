//! The terminal as `ratatui` draws on it, behind two gates: no cell carries a character that is not safe, whatever
//! widget drew it, and nothing is written once the terminal was given back.

use super::guard;
use crate::text;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::io::{self, Stdout, Write};

/// Standard output while the terminal is held; afterwards writes are dropped. What a writer in front of it still
/// buffers when the terminal is given back, half a frame perhaps, would land in the user's scrollback.
#[derive(Debug)]
pub(super) struct HeldOutput<W = Stdout>(W);

impl HeldOutput {
    /// The terminal on standard output.
    pub(super) fn stdout() -> Self {
        Self(io::stdout())
    }
}

impl<W: Write> Write for HeldOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if guard::is_held() {
            self.0.write(bytes)
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if guard::is_held() {
            self.0.flush()
        } else {
            Ok(())
        }
    }
}

/// `crossterm`'s backend behind the gate.
pub(crate) struct SafeBackend<W: Write>(CrosstermBackend<W>);

impl<W: Write> SafeBackend<W> {
    /// Draws on `out`.
    pub(crate) const fn new(out: W) -> Self {
        Self(CrosstermBackend::new(out))
    }
}

impl<W: Write> Write for SafeBackend<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.0)
    }
}

/// The cell with a safe text in it, where its own is not.
fn safe(cell: &Cell) -> Option<Cell> {
    text::find_unsafe(cell.symbol())?;
    let symbol = text::line(cell.symbol());
    let mut cell = cell.clone();
    cell.set_symbol(if symbol.is_empty() { " " } else { &symbol });
    Some(cell)
}

impl<W: Write> Backend for SafeBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let content: Vec<_> = content
            .map(|(x, y, cell)| (x, y, cell, safe(cell)))
            .collect();
        let cells = content.iter();
        self.0
            .draw(cells.map(|(x, y, cell, safe)| (*x, *y, safe.as_ref().unwrap_or(cell))))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    /// Never fails: `Terminal` shows the cursor when it is dropped, and prints a failure to standard error, which
    /// panics where the terminal is gone. The guard shows the cursor in any case.
    fn show_cursor(&mut self) -> io::Result<()> {
        let _ = self.0.show_cursor();
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.0.clear_region(clear_type)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.0.append_lines(n)
    }

    fn size(&self) -> io::Result<Size> {
        self.0.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.0.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_carries_what_is_not_safe() {
        let symbols = [
            "a\u{e0041}",
            "\u{202e}",
            "\u{9b}",
            "e\u{301}",
            "❤\u{fe0f}",
            "x",
        ];
        let cells: Vec<Cell> = symbols
            .iter()
            .map(|symbol| {
                let mut cell = Cell::default();
                cell.set_symbol(symbol);
                cell
            })
            .collect();
        let mut bytes = Vec::new();
        let mut backend = SafeBackend::new(&mut bytes);
        let placed = cells.iter().zip(0..).map(|(cell, x)| (x, 0, cell));
        backend.draw(placed).unwrap();
        let drawn = String::from_utf8(bytes).unwrap();
        for hidden in ['\u{e0041}', '\u{202e}', '\u{9b}'] {
            assert!(!drawn.contains(hidden), "{drawn:?}");
        }
        assert!(drawn.contains("a \u{fffd}e\u{301}❤\u{fe0f}x"), "{drawn:?}");
    }

    #[test]
    fn nothing_is_written_once_the_terminal_was_given_back() {
        let mut bytes = Vec::new();
        let mut out = io::BufWriter::new(HeldOutput(&mut bytes));
        out.write_all(b"half a frame").unwrap();
        drop(out);
        assert!(bytes.is_empty());
    }
}
