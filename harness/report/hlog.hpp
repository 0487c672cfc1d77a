// The histograms of a run in HdrHistogram's log format, as the run kept them.
#pragma once

#include <iosfwd>

#include "harness/measure/hdr_log.hpp"

namespace stampede {

struct HlogFacts {
  std::uint64_t intervals = 0;
  bool whole = false;  // the closing line is there
};

// Reads the whole log, every histogram of it, and only then copies it: what comes out is readable.
// `log` must be seekable.
HdrRead<HlogFacts> write_hlog(std::istream& log, std::ostream& out);

}  // namespace stampede
