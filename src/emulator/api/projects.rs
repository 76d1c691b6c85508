//! Projects, the names of their files, and workspaces, with no LookML behind them, for those who check that they are there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::usual::with_usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, json_answer, lay_over};
use crate::emulator::http::body;
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_project_files", files),
    op("all_projects", all),
    op("all_workspaces", workspaces),
    op("create_project", create),
    op("project", one),
    op("project_file", file),
    op("update_project", update),
    op("workspace", workspace),
];

/// Where everyone works, and where those do who develop.
const WORKSPACES: &[&str] = &["production", "dev"];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    let projects = world.projects().into_iter();
    json_answer(projects.map(|name| project_json(world, name)).collect())
}

fn check_right(call: &Call<'_>, world: &World) -> Result<(), Refusal> {
    may(world, &viewer(call, world)?, &["see_lookml", "develop"])
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    show(world, call.param("project_id"))
}

/// Projects are made in the workspace `dev` only.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    may(world, &viewer(call, world)?, &["develop"])?;
    body::require(&body, &["name"])?;
    if world.tokens.workspace(&call.who()?.token) != "dev" {
        return Err(Refusal::invalid(
            "workspace_id",
            "invalid",
            "A project is created in the workspace 'dev'.",
        ));
    }
    let name = body.remove("name").unwrap_or_default();
    let name = name.as_str().unwrap_or_default().to_owned();
    if world.projects().contains(name.as_str()) {
        return Err(Refusal::invalid(
            "name",
            "already_exists",
            "'name' is taken.",
        ));
    }
    world.connections.projects.insert(name.clone(), body);
    show(world, &name)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    may(world, &viewer(call, world)?, &["develop"])?;
    let name = call.param("project_id");
    if !world.projects().contains(name) {
        return Err(Refusal::not_found());
    }
    // What is secret is not shown again, and a project keeps its name.
    body.retain(|field, _| !matches!(field.as_str(), "name" | "git_password" | "deploy_secret"));
    let project = world.connections.projects.entry(name.to_owned());
    project.or_default().extend(body);
    show(world, name)
}

fn show(world: &World, name: &str) -> Answer {
    let known = world.projects().contains(name);
    known.then_some(()).ok_or_else(Refusal::not_found)?;
    json_answer(project_json(world, name))
}

fn project_json(world: &World, name: &str) -> Value {
    let written = world.connections.projects.get(name);
    let mut shown = with_usual(
        "project",
        written.cloned().map_or_else(|| json!({}), Value::Object),
    );
    let git = shown.get("git_remote_url").is_some_and(Value::is_string);
    lay_over(
        &mut shown,
        json!({ "id": name, "name": name, "uses_git": git }),
    );
    shown
}

fn files(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    json_answer(files_of(world, call.param("project_id"))?.into())
}

fn file(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    let id = call.query("file_id");
    let id = id.ok_or_else(|| Refusal::missing("file_id"))?;
    let mut files = files_of(world, call.param("project_id"))?.into_iter();
    let found = files.find(|file| file["id"] == id);
    json_answer(found.ok_or_else(Refusal::not_found)?)
}

/// The files that the models of a project would be written in: one for each model, each explore's view and each dashboard.
fn files_of(world: &World, project: &str) -> Result<Vec<Value>, Refusal> {
    let known = world.projects().contains(project);
    known.then_some(()).ok_or_else(Refusal::not_found)?;
    let models = world.roles.models.iter();
    let models = models.filter(|model| !model.internal && model.project == project);
    // Models may share a view.
    let mut files = BTreeMap::new();
    for model in models {
        let mut add = |folder: &str, name: &str, kind: &'static str, ending: &str| {
            let path = format!("{folder}{name}.{kind}.{ending}");
            files.insert(path, (name.to_owned(), kind, ending.to_owned()));
        };
        add("", &model.name, "model", "lkml");
        for explore in &model.explores {
            add("views/", &explore.name, "view", "lkml");
        }
        for dashboard in &model.dashboards {
            add("dashboards/", &dashboard.name, "dashboard", "lookml");
        }
    }
    let shown = files.into_iter().map(|(path, (title, kind, ending))| {
        json!({
            "can": {},
            "id": path,
            "path": path,
            "title": title,
            "type": kind,
            "extension": format!(".{kind}.{ending}"),
            "mime_type": "text/x-lookml",
            "editable": true,
            "git_status": null,
        })
    });
    Ok(shown.collect())
}

fn workspaces(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    json_answer(
        WORKSPACES
            .iter()
            .map(|id| workspace_json(world, id))
            .collect(),
    )
}

fn workspace(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    let id = call.param("workspace_id");
    let known = WORKSPACES.contains(&id);
    known.then_some(()).ok_or_else(Refusal::not_found)?;
    json_answer(workspace_json(world, id))
}

fn workspace_json(world: &World, id: &str) -> Value {
    let projects = world.projects().into_iter();
    let projects: Vec<Value> = projects.map(|name| project_json(world, name)).collect();
    json!({ "can": {}, "id": id, "projects": projects })
}
