//! Themes as they are read from files.

use super::*;

#[test]
fn every_file_is_a_theme() {
    for name in names() {
        named(name).unwrap();
    }
}

#[test]
fn the_default_is_the_file_of_sixteen_colours() {
    assert_eq!(named("sixteen").unwrap(), Theme::default());
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = named("neon").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no theme \"neon\"; available: dark, light, sixteen, sixteen-light"
    );
}

#[test]
fn a_fault_names_the_colour() {
    let text = include_str!("../../../../themes/dark.toml").replace("fg = \"red\"", "fg = \"rad\"");
    let error = parse(&text, "dark.toml").unwrap_err().to_string();
    assert!(error.contains("\"rad\" is neither"), "{error}");
    let line = text
        .lines()
        .position(|line| line.contains("\"rad\""))
        .unwrap()
        + 1;
    let place = format!("theme dark.toml:{line}:");
    assert!(error.starts_with(&place), "{error}");
    assert!(error.contains("did you mean \"red\"?"), "{error}");
}

/// WCAG 2's contrast ratio, for what must be read on the theme's own background.
fn contrast(front: Color, back: Color) -> f64 {
    let luminance = |colour| {
        let Color::Rgb(r, g, b) = colour else {
            panic!("no rgb: {colour}")
        };
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
    };
    let (a, b) = (luminance(front) + 0.05, luminance(back) + 0.05);
    a.max(b) / a.min(b)
}

#[test]
fn text_stands_out_from_its_background() {
    for name in ["dark", "light"] {
        let theme = named(name).unwrap();
        let back = theme.background.bg.unwrap();
        let readable = [
            theme.text,
            theme.dim,
            theme.accent,
            theme.good,
            theme.warning,
            theme.bad,
            theme.string,
            theme.number,
            theme.focus,
            theme.highlight,
            theme.upstream,
            theme.downstream,
        ];
        let statuses = theme.statuses.iter().map(|look| look.style);
        for style in readable.into_iter().chain(statuses) {
            let ratio = contrast(style.fg.unwrap(), back);
            assert!(
                ratio >= 4.5,
                "{name}: {style:?} has a contrast of {ratio:.1}"
            );
        }
        let selected = contrast(theme.text.fg.unwrap(), theme.selection.bg.unwrap());
        assert!(selected >= 4.5, "{name}: selection {selected:.1}");
    }
}

#[test]
fn the_themes_of_the_program_leave_nothing_out() {
    for (name, text) in BUILT_IN {
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.styles.missing(), [""; 0], "{name}");
        assert_eq!(file.statuses.missing(), [""; 0], "{name}");
        assert!(
            file.base.is_none() && !description(text).is_empty(),
            "{name}"
        );
    }
}

#[test]
fn sixteen_colours_can_be_read_on_white() {
    // As xterm and the VGA palette have them, and none of the light ones.
    let readable = |colour| {
        matches!(
            colour,
            Color::Black | Color::Red | Color::Blue | Color::Magenta | Color::DarkGray
        )
    };
    let mut theme = named("sixteen-light").unwrap();
    for style in theme.styles_mut() {
        assert!(
            style.fg.is_none_or(readable) && style.bg.is_none(),
            "{style:?}"
        );
    }
    let mut looks: Vec<_> = theme.statuses.iter().map(|look| look.style).collect();
    looks.dedup();
    assert!(looks.len() >= 6);
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn an_own_theme_changes_what_it_names() {
    let folder = folder(&[(
        "dusk.toml",
        "description = \"After sunset\"\nbase = \"light\"\n[palette]\nred = \"#aa0000\"\n[styles]\naccent = { fg = \"#123456\", bold = true }\n",
    )]);
    let folders = [folder.path().to_owned()];
    let own = find("dusk", &folders).unwrap();
    let light = named("light").unwrap();
    assert_eq!(own.text, light.text);
    assert_eq!(own.accent.fg, Some(Color::Rgb(0x12, 0x34, 0x56)));
    // A colour of the palette changes wherever the base has it.
    assert_eq!(own.bad.fg, Some(Color::Rgb(0xaa, 0, 0)));
    let all = all(&folders);
    let last = all.last().unwrap();
    assert_eq!((&*last.name, &*last.description), ("dusk", "After sunset"));
    assert_eq!(all.len(), BUILT_IN.len() + 1);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place() {
    let folder = folder(&[
        ("a.toml", "[styles]\ntext = { fg = \"moss\" }\n"),
        ("b.toml", "[styles]\nheadline = {}\n"),
        ("c.toml", "[palette]\n\nink = \"#12345\"\n"),
        ("d.toml", "base = \"neon\"\n"),
        ("e.toml", "[styles\n"),
        ("dark.toml", ""),
        ("f.toml", "description = \"fine\""),
        ("notes.txt", "no theme"),
    ]);
    std::fs::write(folder.path().join("g.toml"), b"\xff\xfe").unwrap();
    std::fs::write(folder.path().join("h.toml"), "#".repeat(300_000)).unwrap();
    std::fs::create_dir(folder.path().join("i.toml")).unwrap();
    let folders = [folder.path().to_owned()];
    let all = all(&folders);
    let own = all.iter().filter(|one| one.file.is_some());
    let said: Vec<String> = own
        .filter_map(|one| Some(one.theme.as_ref().err()?.to_string()))
        .collect();
    for (file, message) in [
        ("a.toml:2:15", "\"moss\" is neither a colour nor"),
        ("b.toml:2:1", "unknown field `headline`"),
        ("c.toml:3:7", "\"#12345\" is neither"),
        ("d.toml:1:8", "write one of dark, light"),
        ("e.toml:1:", ""),
        ("dark.toml", "rename the file"),
        ("g.toml", "cannot be read"),
        ("h.toml", "at most"),
        ("i.toml", "is not a file"),
    ] {
        let fits = |text: &&String| text.contains(file) && text.contains(message);
        assert!(said.iter().any(|text| fits(&text)), "{file}: {said:#?}");
    }
    assert_eq!(said.len(), 9, "{said:#?}");
    assert!(find("dark", &folders).is_ok(), "the program's own stays");
    assert!(find("f", &folders).is_ok());
    let unknown = find("neon", &folders).unwrap_err().to_string();
    assert!(unknown.contains("sixteen-light, a, b"), "{unknown}");
}
