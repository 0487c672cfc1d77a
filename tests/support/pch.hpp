// The precompiled header of the tests: what the project's own has, and GoogleTest.
#pragma once

#include <gtest/gtest.h>

#include "third_party/pch.hpp"
