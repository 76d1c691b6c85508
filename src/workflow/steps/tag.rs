//! Writes embedctl's tag on the key, while the ledger writes down that the key exists.

use serde_json::Value;

use crate::error::Error;
use crate::ledger::KeyState;
use crate::workflow::step::After;
use crate::workflow::work::Work;

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let Some(key) = work.found.key.clone() else {
        return Ok(After::Next(Value::Null));
    };
    let record = work.key_record(&key, KeyState::Minted);
    work.journal.note_key(record).await?;
    let (admin, user_id) = (work.cx.admin.clone(), work.user_id());
    let sudo = work.sudo.clone();
    let tagging = async {
        match admin.tag_api3_key(&user_id, &key.id, &key.purpose).await {
            Err(error) if error.refused_with() == Some(403) => match &sudo {
                Some(sudo) => sudo.tag_api3_key(&user_id, &key.id, &key.purpose).await,
                None => Err(error),
            },
            answer => answer,
        }
    };
    let (written, tagged) = tokio::join!(work.journal.write(), tagging);
    written?;
    if let Err(error) = tagged {
        // The ledger knows the key by its id, so the tag is a help, not a need; older releases cannot set it.
        work.warn(format!("the key carries no purpose at Looker: {error}"));
    }
    Ok(After::Next(Value::Null))
}
