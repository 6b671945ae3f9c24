//! The screen in ASCII, for terminals that can show nothing else: every other sign is replaced by the nearest
//! one, cell by cell, after everything was drawn.

use ratatui::buffer::Buffer;

/// Replaces what is not ASCII.
pub(crate) fn translate(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let sign = cell.symbol().chars().next().map_or(" ", nearest);
            cell.set_symbol(sign);
        }
    }
}

fn nearest(sign: char) -> &'static str {
    match sign {
        '─' | '╌' | '┄' | '╴' | '╶' | '–' | '—' => "-",
        '━' | '═' => "=",
        '╍' => "~",
        '│' | '┃' | '╎' | '┆' | '╵' | '╷' => "|",
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' => "+",
        '├' | '┤' | '┬' | '┴' | '┼' => "+",
        '║' => "|",
        '◉' => "@",
        '↻' => "r",
        '≈' => "~",
        '✔' => "v",
        '✖' | '×' => "x",
        '●' | '◐' | '◓' | '◑' | '◒' | '•' => "*",
        '○' => "o",
        '·' => ".",
        '⊘' => "-",
        '■' | '▮' | '▇' | '█' => "#",
        '▓' => "%",
        '▒' => "=",
        '▁' | '▂' => "_",
        '▃' | '▄' => "-",
        '▅' | '▆' => "=",
        '▯' | '░' => ".",
        '‖' | '▏' => "|",
        '…' => "~",
        '▶' | '▸' | '→' | '›' => ">",
        '▼' | '▾' | '↓' => "v",
        '◀' | '←' | '‹' => "<",
        '▲' | '↑' => "^",
        '≥' => ">",
        '≠' => "!",
        '↔' => "=",
        'µ' => "u",
        '↵' => "$",
        _ => "?",
    }
}
