// Starts private stores, prints its directory and the pids of its children, and waits to be killed.
#include <unistd.h>
#include <cstdio>
#include <stop_token>

#include "harness/topology/single_topology.hpp"

int main(int argc, char** argv) {
  stampede::TopologyPlan plan;
  if (argc > 1) plan.work_root = argv[1];
  try {
    const stampede::PrivateStores stores(plan, std::stop_token{}, [](const std::string&) {});
    std::printf("%s", stores.directory().c_str());
    for (const stampede::Process* process : stores.processes()) std::printf(" %d", process->pid());
    std::printf("\n");
    std::fflush(stdout);
    pause();
  } catch (const std::exception& error) {
    std::printf("error: %s\n", error.what());
    return 1;
  }
}
