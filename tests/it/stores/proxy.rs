//! A way to a store that goes wrong where a test wants it, and that remembers what passed.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};

use crate::stores::server::plain;

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The store does what is asked, and its answer breaks off.
    LoseAnswer,
    /// The store is not asked.
    Answer(u16, &'static str),
    /// It says to come back at once.
    Throttle,
}

/// What goes wrong, how often: the next requests whose description has `part` in it.
#[derive(Clone, Debug)]
struct Trouble {
    part: &'static str,
    times: usize,
    effect: Effect,
}

/// The proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    to: String,
    client: reqwest::Client,
    troubles: Mutex<Vec<Trouble>>,
    passed: Mutex<Vec<Passed>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    /// Method, path with query, the operation that a header names, and the body.
    pub(crate) line: String,
    /// The header of that name.
    pub(crate) authorization: String,
}

impl Proxy {
    /// In front of the server at `to`, such as `http://127.0.0.1:8200`.
    pub(crate) async fn to(to: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            to: to.to_owned(),
            client: plain(),
            troubles: Mutex::default(),
            passed: Mutex::default(),
        });
        let router = axum::Router::new()
            .fallback(pass)
            .with_state(Arc::clone(&inner));
        drop(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
        Self { url, inner }
    }

    /// From now on the next `times` requests with `part` in method, path, operation or body have `effect`.
    pub(crate) fn trouble(&self, part: &'static str, times: usize, effect: Effect) {
        let trouble = Trouble {
            part,
            times,
            effect,
        };
        self.inner.troubles.lock().unwrap().push(trouble);
    }

    /// Everything goes well again. Gives how much trouble was left.
    pub(crate) fn calm(&self) -> usize {
        let left = std::mem::take(&mut *self.inner.troubles.lock().unwrap());
        left.iter().map(|trouble| trouble.times).sum()
    }

    /// What came so far.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.inner.passed.lock().unwrap().clone()
    }
}

impl Inner {
    fn effect(&self, line: &str) -> Option<Effect> {
        let mut troubles = self.troubles.lock().unwrap();
        let mut meant = troubles.iter_mut();
        let trouble = meant.find(|it| it.times > 0 && line.contains(it.part))?;
        trouble.times -= 1;
        Some(trouble.effect.clone())
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let target = head.headers.get("x-amz-target");
    let target = target.map_or("", |it| it.to_str().unwrap());
    let authorization = head.headers.get("authorization");
    let authorization = authorization
        .map_or("", |it| it.to_str().unwrap())
        .to_owned();
    let sent = String::from_utf8_lossy(&body);
    let line = format!("{} {path} {target} {sent}", head.method);
    let effect = inner.effect(&line);
    let answer = match &effect {
        Some(Effect::Answer(status, text)) => answer(*status, text),
        Some(Effect::Throttle) => {
            let mut answer = answer(429, "{}");
            answer
                .headers_mut()
                .insert("retry-after", "0".parse().unwrap());
            answer
        }
        Some(Effect::LoseAnswer) | None => {
            let mut headers = head.headers.clone();
            headers.remove("host");
            let asked = inner
                .client
                .request(head.method, format!("{}{path}", inner.to));
            let answer = asked.headers(headers).body(body).send().await.unwrap();
            let mut copy = Response::new(Body::empty());
            *copy.status_mut() = answer.status();
            for (name, value) in answer.headers() {
                if name != "transfer-encoding" && name != "content-length" {
                    copy.headers_mut().insert(name, value.clone());
                }
            }
            *copy.body_mut() = Body::from(answer.bytes().await.unwrap());
            copy
        }
    };
    inner.passed.lock().unwrap().push(Passed {
        line,
        authorization,
    });
    match effect {
        Some(Effect::LoseAnswer) => {
            let mut lost = Response::new(Body::new(Broken));
            *lost.status_mut() = StatusCode::OK;
            lost
        }
        _ => answer,
    }
}

fn answer(status: u16, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    answer
}

/// A body that breaks off.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
