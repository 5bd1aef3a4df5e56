// main(): the server's verbs and the simulator's, in one binary.
#include "cli/app.h"
#include "sim/app_verbs.h"

int main(int argc, char** argv) {
    return firedrill::cli::run_app(argc, argv, {firedrill::sim::add_sim_verbs});
}
