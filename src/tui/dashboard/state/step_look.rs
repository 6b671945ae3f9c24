//! What a step looks like: its status, and what a status does not say about what it waits for.

use crate::run::{StepState, StepStatus, WaitReason};
use crate::tui::theme::{StatusStyle, Theme};
use ratatui::style::Modifier;

/// How a step is shown in every view. States that differ look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StepLook {
    /// As its status.
    Status(StepStatus),
    /// Its running call asks the user something.
    Asks,
    /// Between two attempts.
    Retry,
    /// Held by a rate or the budget.
    Held,
    /// Waiting to run alone.
    Exclusive,
    /// Its call needs an approval.
    Approval,
    /// A breakpoint is set and holds it, or will.
    Breakpoint,
}

impl StepLook {
    /// The look of a step; `broken` where a breakpoint is set on it.
    pub(crate) fn of(step: &StepState, broken: bool) -> Self {
        let status = step.status;
        let starts = matches!(status, StepStatus::Pending | StepStatus::Ready);
        let between = status == StepStatus::Running && step.running_attempt().is_none();
        match step.waiting {
            _ if broken && (starts || between) => Self::Breakpoint,
            Some(WaitReason::Breakpoint) if starts || between => Self::Breakpoint,
            Some(WaitReason::Approval) if starts || between => Self::Approval,
            Some(WaitReason::Rate | WaitReason::Budget) if starts || between => Self::Held,
            Some(WaitReason::Exclusive) if starts || between => Self::Exclusive,
            _ if between && step.retry_at.is_some() => Self::Retry,
            _ if step.open_question().is_some() => Self::Asks,
            _ => Self::Status(status),
        }
    }

    /// The status behind it.
    pub(crate) const fn status(self) -> StepStatus {
        match self {
            Self::Status(status) => status,
            Self::Retry | Self::Asks => StepStatus::Running,
            Self::Held | Self::Exclusive | Self::Approval | Self::Breakpoint => StepStatus::Ready,
        }
    }

    /// Its sign and colour.
    pub(crate) fn style(self, theme: &Theme) -> StatusStyle {
        let sign = |sign, ascii, style| StatusStyle {
            glyph: if theme.ascii { ascii } else { sign },
            style,
        };
        match self {
            Self::Status(status) => theme.status(status),
            // Nothing turns and no slot is taken.
            Self::Retry => sign("↻", "r", theme.warning.add_modifier(Modifier::DIM)),
            // What only the user can settle has one hue.
            Self::Asks => sign("✎", "a", theme.status(StepStatus::Unknown).style),
            Self::Held => sign("≈", "~", theme.warning),
            Self::Exclusive => sign("═", "=", theme.status(StepStatus::Ready).style),
            Self::Approval => sign("◇", "Y", theme.warning.add_modifier(Modifier::BOLD)),
            Self::Breakpoint => sign("◉", "@", theme.bad),
        }
    }

    /// How soon it is looked for among others; 0 first.
    pub(crate) const fn urgency(self) -> u8 {
        match self {
            Self::Breakpoint | Self::Approval => 0,
            Self::Asks => 1,
            Self::Status(StepStatus::Failed) => 2,
            Self::Status(StepStatus::Unknown) => 3,
            Self::Status(StepStatus::Running) => 4,
            Self::Retry => 5,
            Self::Held => 6,
            Self::Status(StepStatus::Cancelled) => 7,
            Self::Exclusive => 8,
            Self::Status(StepStatus::Ready) => 9,
            Self::Status(StepStatus::Pending) => 10,
            Self::Status(StepStatus::Succeeded) => 11,
            Self::Status(StepStatus::Skipped) => 12,
        }
    }

    /// Whether it has ended in a way that needs no look, so that it steps back.
    pub(crate) const fn recedes(self) -> bool {
        matches!(
            self,
            Self::Status(StepStatus::Succeeded | StepStatus::Skipped | StepStatus::Pending)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StepStatus as S;

    #[test]
    fn no_two_looks_share_a_sign() {
        let all = S::ALL.into_iter().map(StepLook::Status).chain([
            StepLook::Retry,
            StepLook::Asks,
            StepLook::Held,
            StepLook::Exclusive,
            StepLook::Approval,
            StepLook::Breakpoint,
        ]);
        for theme in [Theme::default(), Theme::default().in_ascii()] {
            let signs: std::collections::HashSet<_> =
                all.clone().map(|look| look.style(&theme).glyph).collect();
            assert_eq!(signs.len(), 14);
        }
    }
}
