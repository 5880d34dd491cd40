// Carries the precompiled headers (PodreeveTargets.cmake, PodreeveTests.cmake).
