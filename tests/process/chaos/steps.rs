//! Making orders step: what buyers and clerks have in common. A step can be wished for again, because the second time it is
//! refused.

use super::caller::{Caller, code, order_in, understand};
use super::history::{History, Moved, Reply, Sighting, Status, Step};
use crate::support::client::Answer;

/// The steps that one client wished for.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    all: Vec<Step>,
    /// Those whose outcome is open.
    open: Vec<usize>,
}

impl Steps {
    /// A new wish; its number.
    pub(crate) fn wish(&mut self, order: String, to: Status) -> usize {
        let number = self.all.len();
        self.all.push(Step {
            order,
            to,
            replies: Vec::new(),
        });
        self.open.push(number);
        number
    }

    /// Asks for it once. Tells what was decided, if anything was.
    pub(crate) async fn make(
        &mut self,
        number: usize,
        caller: &Caller,
        history: &mut History,
    ) -> Option<Moved> {
        let step = &mut self.all[number];
        let path = format!("/api/v1/orders/{}/{}", step.order, verb(step.to));
        let (span, heard) = caller.ask(|client| client.post(&path)).await;
        let what = format!("{} asked for {path}", history.client);
        let (to, mut standing) = (step.to, None);
        let read = |answer: &Answer| match answer.status {
            200 => {
                standing = Some(order_in(answer)?.status);
                (standing == Some(to)).then_some(Moved::Made)
            }
            409 if code(answer) == "invalid_transition" => Some(Moved::Refused),
            _ => None,
        };
        let reply = understand(&heard, &mut history.oddities, &what, read);
        if let Some(status) = standing {
            history.sightings.push(Sighting {
                order: step.order.clone(),
                status: Some(status),
                span,
            });
        }
        let moved = reply.told().cloned();
        if !matches!(reply, Reply::NotSent | Reply::Failed(_) | Reply::Lost) {
            self.open.retain(|open| *open != number);
        }
        step.replies.push((span, reply));
        moved
    }

    /// One whose outcome is open.
    pub(crate) fn any_open(&self, caller: &Caller) -> Option<usize> {
        caller.one_of(&self.open)
    }

    /// The oldest whose outcome is open.
    pub(crate) fn first_open(&self) -> Option<usize> {
        self.open.first().copied()
    }

    /// All of them.
    pub(crate) fn into_history(self) -> Vec<Step> {
        self.all
    }
}

/// The last part of the path that asks for it.
fn verb(to: Status) -> &'static str {
    match to {
        Status::Paid => "pay",
        Status::Shipped => "ship",
        Status::Delivered => "deliver",
        Status::Cancelled => "cancel",
        Status::Placed => unreachable!("nobody can ask for it"),
    }
}
