"""Advisor: an expert system that configures deep neural networks, explains every choice, and delivers them."""
