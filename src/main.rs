use std::process::ExitCode;
use swarm_upload::Ended;

fn main() -> ExitCode {
    // Before there is a second thread: one that runs already would keep what it has.
    swarm_upload::gain_no_privileges();
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
