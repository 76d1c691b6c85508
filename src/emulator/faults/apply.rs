//! Implements faults, latency and the rate limit.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::body::{Bytes, HttpBody as HttpBodyTrait};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::emulator::faults::{Effect, ErrorBody};
use crate::emulator::http::answer::{Refusal, Reply};
use crate::emulator::http::connection::{Break, Orders, Place};
use crate::emulator::http::proxy::{self, PROXY_PAGE};
use crate::emulator::http::respond::Given;
use crate::emulator::http::router::Target;
use crate::emulator::options::Latency;
use crate::emulator::shared::Shared;
use crate::emulator::switches::Switches;

/// How much of the head of an answer is sent before it stops: part of the status line.
const PART_OF_HEAD: usize = 12;

/// What a huge answer consists of; only so much of it is in memory.
static BLANKS: [u8; 64 << 10] = [b' '; 64 << 10];

/// Text that starts like JSON but is not.
const GARBAGE: &str = "{\"id\": \"1\", \u{1}<<";

/// Wait as long as latency, counted from `began`, and fault say; returns the fault.
pub(crate) async fn before(
    shared: &Shared,
    began: Duration,
    latency: Latency,
    effect: Option<Effect>,
) -> Option<Effect> {
    let clock = &shared.options.clock;
    let random = || shared.delays.number();
    if let Some(latency) = latency.pick(random) {
        shared.punctual.wait(clock, began, latency).await;
    }
    if let Some(Effect::Delay(duration)) = &effect {
        clock.sleep(*duration).await;
    }
    effect
}

/// The answer that stands in the place of the operation's, if the fault has one.
pub(crate) fn instead(shared: &Shared, effect: Option<&Effect>, target: &Target) -> Option<Given> {
    match effect? {
        Effect::Status {
            code,
            body,
            retry_after,
        } => {
            let mut given = error(shared, *code, *body, target);
            let retry_after = retry_after.clone();
            given
                .headers
                .extend(retry_after.map(|when| ("retry-after", when)));
            Some(given)
        }
        // The call is not carried out; the connection breaks before any answer is read.
        Effect::ResetBefore | Effect::Late(_) => {
            Some(Given::of(Ok(Reply::no_content()), None, shared))
        }
        Effect::Redirect(location) => {
            Some(Given::of(Ok(Reply::found(location.clone())), None, shared))
        }
        _ => None,
    }
}

/// The answer that is sent in the place of the one the operation gave, if the fault has one.
pub(crate) fn instead_after(
    shared: &Shared,
    effect: Option<&Effect>,
    target: &Target,
    given: Given,
) -> Given {
    match effect {
        Some(Effect::StatusAfter { code, body }) => Given {
            // The call was made by the same user, whatever the answer says.
            user: given.user,
            ..error(shared, *code, *body, target)
        },
        _ => given,
    }
}

/// The status to record: none if no byte of the answer arrives.
pub(crate) const fn status(effect: Option<&Effect>, status: u16) -> u16 {
    match effect {
        // The caller saw no status.
        Some(Effect::ResetBefore | Effect::ResetAfter | Effect::Late(_)) => 0,
        _ => status,
    }
}

/// Damage the answer, or its connection.
pub(crate) fn after(orders: &Orders, effect: Option<Effect>, mut response: Response) -> Response {
    let Some(effect) = effect else {
        return response;
    };
    match effect {
        Effect::ResetBefore | Effect::ResetAfter | Effect::Late(_) => {
            orders.give(Place::Head(0), Break::Reset);
        }
        Effect::SlowHeaders(time) => orders.give(Place::Head(PART_OF_HEAD), Break::Pause(time)),
        Effect::SlowBody(time) => orders.give(Place::Body(1), Break::Pause(time)),
        Effect::Truncate => {
            // Half of the body, so that the answer starts like a good one.
            let length = HttpBodyTrait::size_hint(response.body()).lower();
            let half = usize::try_from(length / 2).unwrap_or(0);
            orders.give(Place::Body(half), Break::Close);
        }
        Effect::Garbage => *response.body_mut() = HttpBody::from(GARBAGE),
        Effect::Huge(size) => *response.body_mut() = HttpBody::new(Blanks(size)),
        Effect::Status { .. }
        | Effect::StatusAfter { .. }
        | Effect::Redirect(_)
        | Effect::Delay(_) => {}
    }
    response
}

/// A body of so many blanks, which are made as they are sent.
struct Blanks(usize);

impl HttpBodyTrait for Blanks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = BLANKS.get(..self.0).unwrap_or(&BLANKS);
        self.0 -= piece.len();
        let frame = || Ok(Frame::data(Bytes::from_static(piece)));
        Poll::Ready((!piece.is_empty()).then(frame))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0 as u64)
    }
}

/// 429, with the time to wait if the switch says so.
pub(crate) fn throttled(switches: &Switches, wait: Duration) -> Refusal {
    let mut refusal = Refusal::new(429, "Too Many Requests");
    if switches.throttle_says_when {
        // At least a second, because the header has whole seconds.
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        refusal.headers.push(("retry-after", format!("{seconds}")));
    }
    refusal
}

fn error(shared: &Shared, code: u16, body: ErrorBody, target: &Target) -> Given {
    let route = match target {
        Target::Operation(route, _) => Some(*route),
        _ => None,
    };
    let mut given = Given::of(Err(Refusal::of_status(code)), route, shared);
    match body {
        ErrorBody::Json => {}
        ErrorBody::Html => {
            given.content_type = "text/html;charset=utf-8";
            given.body = PROXY_PAGE.into();
        }
        ErrorBody::Empty => {
            given.content_type = "";
            given.body.clear();
        }
        ErrorBody::Outage | ErrorBody::Star => {
            let page = Given::of(Ok(proxy::outage()), None, shared);
            given = Given {
                status: code,
                ..page
            };
            if body == ErrorBody::Star {
                given.content_type = "*/*";
            }
        }
    }
    given
}
