"""What is asked by pictures and sounds, made into what spaces compare."""
