//! Holds the two tutorials together: the same commands in the same order, and none missing that the tutorial promises.
//! Whether the commands work is for the end-to-end test, which types them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

const ENGLISH: &str = "docs/TUTORIAL.md";
const PORTUGUESE: &str = "docs/TUTORIAL.pt-BR.md";
/// On the line before a block that the end-to-end test does not type, followed by why.
const NOT_RUN: &str = "<!-- not run by the test: ";

/// What a course on Swarm with this program has to show, each a line of its own.
const PROMISED: &[&str] = &[
    "docker build -t swarm-upload-nginx:latest -f nginx/Dockerfile .",
    "docker build -t swarm-upload:latest --build-arg GIT_REVISION=$(git rev-parse --short=12 HEAD) -f Dockerfile .",
    "docker swarm init",
    "docker network create --driver overlay --attachable app_network",
    "scripts/deploy-swarm.sh --prepare",
    "docker stack deploy -c stack.yml swarm-upload",
    "docker stack services swarm-upload",
    "chmod +x scripts/deploy-swarm.sh",
    "./scripts/deploy-swarm.sh",
    "chmod +x scripts/test-load-balancing.sh",
    "./scripts/test-load-balancing.sh",
    "for i in {1..10}; do curl -s http://localhost:8080/frontend-info/ | jq '.frontend_container_id'; done",
    "for i in {1..10}; do curl -s http://localhost:8080/api/backend-info/ | jq '.backend_container_id'; done",
    "FOR /L %i IN (1,1,10) DO curl -s http://localhost:8080/frontend-info/",
    "FOR /L %i IN (1,1,10) DO curl -s http://localhost:8080/api/backend-info/",
    "curl -s http://localhost:8080/frontend-info/ | jq '.'",
    "docker service scale swarm-upload_frontend=5",
    "docker service scale swarm-upload_backend=5",
    "docker service scale swarm-upload_frontend=2 swarm-upload_backend=2",
    "docker service logs swarm-upload_frontend",
    "docker service logs swarm-upload_backend",
    "docker service logs swarm-upload_db",
    "docker stack ps swarm-upload",
    "docker service inspect swarm-upload_frontend",
    "docker ps --filter \"name=swarm-upload_frontend\"",
    "docker container rm -f $(docker ps | grep swarm-upload_frontend | head -1 | awk '{print $1}')",
    "docker container rm -f CONTAINER_ID",
    "docker service update --image swarm-upload:v2 swarm-upload_frontend",
    "while true; do curl -s http://localhost:8080/frontend-info/ | jq '.frontend_container_id'; sleep 1; done",
    "docker service rollback swarm-upload_frontend",
    "docker run --rm --network app_network alpine ping -c 3 backend",
    "netstat -tulpn | grep 8080",
    "sudo lsof -t -i:8080 | xargs kill -9",
    "docker stack rm swarm-upload",
    "docker network rm app_network",
    "docker network rm db_network",
    "docker swarm leave --force",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap().replace('\r', "")
}

/// The lines of all blocks to type, without comments, each block after a line that says its language and whether it is run.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut before, mut lines) = ("", text.lines());
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").map(str::trim_end).collect();
            if matches!(language, "bash" | "bat") {
                found.push(format!("{language}, run by the test: {}", !before.starts_with(NOT_RUN)));
                let typed =
                    block.iter().filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
                found.extend(typed.map(|line| line.to_string()));
            }
        }
        before = line;
    }
    found
}

#[test]
fn both_languages_have_the_same_commands() {
    let (english, portuguese) = (commands(&read(ENGLISH)), commands(&read(PORTUGUESE)));
    assert_eq!(english.iter().zip(&portuguese).find(|(ours, theirs)| ours != theirs), None);
    assert_eq!(english.len(), portuguese.len());
}

#[test]
fn every_promised_command_is_there() {
    let english = commands(&read(ENGLISH));
    let missing: Vec<_> =
        PROMISED.iter().filter(|command| !english.iter().any(|line| line == *command)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn whoever_finds_one_tutorial_finds_the_other() {
    assert!(read(ENGLISH).contains("(TUTORIAL.pt-BR.md)") && read(PORTUGUESE).contains("(TUTORIAL.md)"));
    let readme = read("README.md");
    assert_eq!(readme.contains(ENGLISH), readme.contains(PORTUGUESE), "README.md links to one only");
}
