// main() of a build without the simulator.
#include "cli/app.h"

int main(int argc, char** argv) {
    return firedrill::cli::run_app(argc, argv, {});
}
