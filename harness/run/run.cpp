#include "harness/run/run.hpp"

#include <ostream>

#include "harness/run/story.hpp"

namespace stampede {

ExitCode run(const RunRequest& request, std::stop_source& stop, std::ostream& out,
             std::ostream& err) {
  return Story(request, stop, out, err).tell();
}

}  // namespace stampede
