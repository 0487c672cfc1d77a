#include "harness/run/terminal_width.hpp"

#include <sys/ioctl.h>

namespace stampede {

int terminal_width(int descriptor) {
  constexpr int usual = 100;
  winsize size{};
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual;
}

}  // namespace stampede
