//! The views of a run that stand in the pane beside the inspector, a folder each.
//!
//! A view is a type that implements [`pane::Pane`], a `NAME`, a `KEY`, and actions of its own. To add one, write its
//! folder, declare it below and add its line to `with_views`; nothing else names it.

#[cfg(test)]
pub(crate) mod blank;
pub(crate) mod cost;
pub(crate) mod graph;
pub(crate) mod pane;
pub(crate) mod pane_context;
pub(crate) mod table;
pub(crate) mod timeline;

use crate::tui::input::key::Key;
use pane::Pane;

/// Calls the macro `$make` with every view, in the order of their names in the border: its variant of [`View`], its
/// folder, and the type of its pane.
macro_rules! with_views {
    ($make:ident) => {
        $make! {
            Graph => graph::GraphPane,
            Timeline => timeline::Timeline,
            Table => table::Table,
            Cost => cost::CostPane,
            #[cfg(test)]
            Blank => blank::Blank,
        }
    };
}
pub(crate) use with_views;

macro_rules! define_views {
    ($($(#[$attribute:meta])* $view:ident => $folder:ident::$pane:ident,)*) => {
        /// A view of the run: what stands in the pane beside the inspector.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is described in its folder")]
        pub enum View {
            $($(#[$attribute])* $view,)*
        }

        impl View {
            /// Every view, in order.
            pub const ALL: &'static [Self] = &[$($(#[$attribute])* Self::$view,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $($(#[$attribute])* Self::$view => $folder::NAME,)*
                }
            }

            /// The key that shows it.
            pub(crate) const fn key(self) -> Key {
                match self {
                    $($(#[$attribute])* Self::$view => $folder::KEY,)*
                }
            }
        }

        /// Every view with what it looks at.
        #[derive(Debug, Default)]
        #[allow(missing_docs, reason = "each is described in its folder")]
        pub struct Panes {
            $($(#[$attribute])* pub $folder: $folder::$pane,)*
        }

        impl Panes {
            /// A view.
            pub fn get(&self, view: View) -> &dyn Pane {
                match view {
                    $($(#[$attribute])* View::$view => &self.$folder,)*
                }
            }

            /// A view, to be changed.
            pub fn get_mut(&mut self, view: View) -> &mut dyn Pane {
                match view {
                    $($(#[$attribute])* View::$view => &mut self.$folder,)*
                }
            }

            /// Every view, to be changed.
            pub(crate) fn each_mut(&mut self) -> impl Iterator<Item = &mut dyn Pane> {
                let panes: Vec<&mut dyn Pane> = vec![
                    $($(#[$attribute])* &mut self.$folder,)*
                ];
                panes.into_iter()
            }
        }
    };
}
with_views!(define_views);

impl Default for View {
    fn default() -> Self {
        Self::Graph
    }
}
