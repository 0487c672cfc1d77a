// Boost.Asio's definitions, compiled once for the whole project.
#include <boost/asio/impl/src.hpp>
