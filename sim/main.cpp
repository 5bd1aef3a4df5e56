// main(): the server's verbs and the simulator's, in one binary.
#include "cli/app.h"

int main(int argc, char** argv) { return firedrill::cli::run_app(argc, argv, {}); }
