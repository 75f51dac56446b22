use std::process::ExitCode;
use swarm_upload::Ended;

fn main() -> ExitCode {
    match actix_web::rt::System::new().block_on(swarm_upload::run()) {
        Ended::Well => ExitCode::SUCCESS,
        Ended::Unhealthy(why) => {
            eprintln!("swarm-upload: {why}");
            ExitCode::FAILURE
        }
        Ended::Misused(why) => {
            eprintln!("swarm-upload: {why}");
            ExitCode::from(2)
        }
    }
}
